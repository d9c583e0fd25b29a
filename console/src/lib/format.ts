/** Numbers and moments as people read them. Pure: language, zone and now are arguments. */

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const numbers = new Map<string, Intl.NumberFormat>();

function number(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  let made = numbers.get(key);
  if (made === undefined) {
    made = new Intl.NumberFormat(language, options);
    numbers.set(key, made);
  }
  return made;
}

export function count(value: number, language: string): string {
  return number(language, { maximumFractionDigits: 0 }).format(value);
}

/** Three significant figures: 148 kW, 7.36 kW, 960 W, 1.24 MW. A minus stays in front: it flows out. */
export function power(watts: number | null | undefined, language: string): string {
  if (watts === null || watts === undefined) return "–";
  const [scaled, unit] = scale(watts, "W");
  const digits = unit === "W" ? { maximumFractionDigits: 0 } : { minimumSignificantDigits: 3, maximumSignificantDigits: 3 };
  return `${number(language, digits).format(scaled)} ${unit}`;
}

/** One decimal of kWh in lists, three on a session's own page. */
export function energy(wattHours: number | null | undefined, language: string, decimals = 1): string {
  if (wattHours === null || wattHours === undefined) return "–";
  if (Math.abs(wattHours) >= 1_000_000 && decimals < 3) {
    return `${number(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(wattHours / 1_000_000)} MWh`;
  }
  return `${number(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(wattHours / 1000)} kWh`;
}

function scale(value: number, unit: string): [number, string] {
  // What would round up to 1000 of the smaller unit is one of the larger.
  const size = Math.abs(value);
  if (size >= 999_500) return [value / 1_000_000, `M${unit}`];
  if (size >= 999.5) return [value / 1000, `k${unit}`];
  return [value, unit];
}

export function percent(value: number | null | undefined, language: string): string {
  if (value === null || value === undefined) return "–";
  return `${number(language, { maximumFractionDigits: 0 }).format(value)} %`;
}

/** "1 h 24 min", "3 d 2 h", "40 s". */
export function duration(ms: number, language: string): string {
  const de = language.startsWith("de");
  const day = de ? "T" : "d";
  const hour = de ? "Std." : "h";
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} ${hour} ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} ${day} ${hours % 24} ${hour}`;
}

const relativeFormats = new Map<string, Intl.RelativeTimeFormat>();

function relatives(language: string): Intl.RelativeTimeFormat {
  let made = relativeFormats.get(language);
  if (made === undefined) {
    made = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
    relativeFormats.set(language, made);
  }
  return made;
}

/** Relative under a day, otherwise the moment itself. */
export function ago(at: string | Date, now: number, language: string, zone: string): string {
  const then = typeof at === "string" ? Date.parse(at) : at.getTime();
  // Our clock is read once a second: what just happened is not to come.
  const delta = then > now && then - now < 5_000 ? 0 : then - now;
  const size = Math.abs(delta);
  if (size >= DAY_MS) return moment(at, language, zone);
  const relative = relatives(language);
  if (size < MINUTE_MS) return relative.format(Math.round(delta / 1000), "second");
  if (size < HOUR_MS) return relative.format(Math.round(delta / MINUTE_MS), "minute");
  return relative.format(Math.round(delta / HOUR_MS), "hour");
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making one costs more than a thousand uses of it, and a table has thousands of moments. */
function dates(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let made = formats.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat(language, options);
    formats.set(key, made);
  }
  return made;
}

type Moment = string | Date | number;
const dateOf = (at: Moment) => (at instanceof Date ? at : new Date(at));

export function moment(at: Moment, language: string, zone: string): string {
  return dates(language, { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(dateOf(at));
}

/** With the zone named, for a title or a fact. */
export function exact(at: Moment, language: string, zone: string): string {
  return dates(language, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
    timeZone: zone,
    hourCycle: "h23",
  }).format(dateOf(at));
}

/** The same moment by the clocks of all that one may mean: where it was, UTC, and here; each once. */
export function everywhere(at: Moment, language: string, zone: string, own: string): string {
  return [...new Set([zone, "UTC", own])].map((one) => `${exact(at, language, one)} · ${one}`).join("\n");
}

export function clock(at: Moment, language: string, zone: string): string {
  return dates(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: zone, hourCycle: "h23" }).format(dateOf(at));
}

/** Hours and minutes, with the day where a line begins or the day does. */
export function hour(at: Moment, language: string, zone: string): string {
  return dates(language, { hour: "2-digit", minute: "2-digit", timeZone: zone, hourCycle: "h23" }).format(dateOf(at));
}

export function day(at: Moment, language: string, zone: string): string {
  return dates(language, { month: "short", day: "numeric", timeZone: zone }).format(dateOf(at));
}
