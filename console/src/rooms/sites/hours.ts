/** When a site is open, as people say it. */
import type { Hours } from "../../api/schema";

const DAYS = [1, 2, 3, 4, 5, 6, 7] as const;
const FIRST: Hours = { weekday: 1, begin: "08:00", end: "20:00" };

/** A day of the week by its number, 1 is Monday. */
export function weekdayOf(iso: number, language: string, how: "short" | "long" = "short"): string {
  // 5 January 2026 was a Monday.
  return new Intl.DateTimeFormat(language, { weekday: how, timeZone: "UTC" }).format(Date.UTC(2026, 0, 4 + iso));
}

export const weekdays = (language: string): { value: string; label: string }[] => DAYS.map((day) => ({ value: String(day), label: weekdayOf(day, language, "long") }));

/** One more: the same hours on the day after the last. */
export function oneMore(hours: readonly Hours[]): Hours[] {
  const last = hours.at(-1);
  return [...hours, last === undefined ? FIRST : { ...last, weekday: (last.weekday % DAYS.length) + 1 }];
}

/** In the order of the week; days in a row that are alike are told together. */
export function told(hours: readonly Hours[], language: string): string {
  const spans: { from: number; to: number; times: string }[] = [];
  for (const day of DAYS) {
    const times = hours.filter(({ weekday }) => weekday === day).map(({ begin, end }) => `${begin}–${end}`).sort().join(", ");
    const last = spans.at(-1);
    if (times === "") continue;
    if (last?.to === day - 1 && last.times === times) last.to = day;
    else spans.push({ from: day, to: day, times });
  }
  return spans.map(({ from, to, times }) => `${weekdayOf(from, language)}${to > from ? `–${weekdayOf(to, language)}` : ""} ${times}`).join(" · ");
}
