/**
 * What happens, as it happens: one stream of server-sent events, merged into what was already read.
 *
 * Events arrive by the thousand in a large network, so they are gathered for a moment and merged in one go, before a
 * frame is drawn; objects that did not change stay the same, so that only rows that did are drawn again.
 */
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { Store } from "../lib/store";
import { keys } from "./keys";
import type { ConnectorView, SessionPage, SessionView, StationPage, StationView } from "./schema";

export interface LiveEvent {
  /** The event's place in the stream. */
  id: string;
  type: string;
  at: string;
  subject: string;
  body: Record<string, unknown>;
}

export type LiveState = "connecting" | "live" | "lost";
export interface LiveStatus {
  state: LiveState;
  /** When the stream was last known to be good. */
  since: number;
}

/** What the console understands; the stream names each event by its type. */
export const LIVE_TYPES = [
  "station.added",
  "station.booted",
  "station.changed",
  "station.connected",
  "station.disconnected",
  "station.conforms",
  "station.drifted",
  "station.misbehaved",
  "station.model_reported",
  "station.security",
  "connector.changed",
  "session.started",
  "session.ended",
  "session.stop_unmatched",
  "session.progress",
  "alarm.raised",
  "alarm.acknowledged",
  "alarm.cleared",
  "firmware.status",
  "log.status",
  "command.sent",
  "command.answered",
  "command.settled",
  "site.added",
  "site.changed",
  "site.removed",
  "token.added",
  "token.changed",
  "certificate.requested",
  "certificate.issued",
  "certificate.delivered",
  "certificate.failed",
  "certificate.expiring",
  "certificate.revoked",
  "reservation.made",
  "reservation.settled",
] as const;

/** Changes are shown this often; less often where showing them takes long. */
const GATHER_MS = 100;
/** So much of the time is left for who scrolls and types: merging takes a tenth of it at most. */
const REST_TIMES = 9;
const FEED_MAX = 200;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 20_000] as const;
/** While the stream is down: how often what is on the screen is read again. */
const FALLBACK_MS = 15_000;

type StationList = InfiniteData<StationPage>;
type SessionList = InfiniteData<SessionPage>;

export const liveStatus = new Store<LiveStatus>({ state: "connecting", since: Date.now() });
export const feed = new Store<readonly LiveEvent[]>([]);

/** A station after an event, or the same object where the event does not concern it. */
export function stationAfter(station: StationView, event: LiveEvent): StationView {
  if (event.body["station"] !== station.id) return station;
  switch (event.type) {
    case "station.connected":
      return { ...station, connected: true, connected_at: event.at, seen_at: event.at, protocol: text(event, "protocol") || station.protocol };
    case "station.disconnected":
      return { ...station, connected: false, disconnected_at: event.at };
    case "station.booted":
      return {
        ...station,
        booted_at: event.at,
        vendor: text(event, "vendor"),
        model: text(event, "model"),
        firmware: text(event, "firmware"),
        boot_reason: text(event, "reason"),
      };
    case "connector.changed":
      return { ...station, connectors: connectorsAfter(station.connectors, event) };
    default:
      return station;
  }
}

function connectorsAfter(connectors: readonly ConnectorView[], event: LiveEvent): ConnectorView[] {
  const evse = Number(event.body["evse_no"]);
  const connector = Number(event.body["connector_no"]);
  const changed = {
    state: event.body["state"] as ConnectorView["state"],
    state_at: event.at,
    received_at: event.at,
    error: text(event, "error"),
  };
  if (connectors.some((one) => one.evse === evse && one.connector === connector)) {
    return connectors.map((one) => (one.evse === evse && one.connector === connector ? { ...one, ...changed } : one));
  }
  const added = { evse, connector, vendor_id: "", vendor_error: "", info: "", ...changed };
  return [...connectors, added].sort((a, b) => a.evse - b.evse || a.connector - b.connector);
}

/** A session after an event, or the same object. */
export function sessionAfter(session: SessionView, event: LiveEvent): SessionView {
  if (event.body["session"] !== session.id) return session;
  if (event.type === "session.ended") {
    return {
      ...session,
      state: "ended",
      power_w: null,
      ended_at: text(event, "ended_at") || event.at,
      energy_wh: Number(event.body["energy_wh"]),
      exported_wh: Number(event.body["exported_wh"]),
      stop_reason: text(event, "stop_reason"),
      flags: event.body["flags"] as SessionView["flags"],
    };
  }
  if (event.type === "session.progress" && session.state === "active") {
    return {
      ...session,
      power_w: figure(event, "power_w"),
      energy_wh: figure(event, "energy_wh") ?? session.energy_wh,
      soc_pct: figure(event, "soc_pct"),
    };
  }
  return session;
}

function figure(event: LiveEvent, name: string): number | null {
  const value = event.body[name];
  return typeof value === "number" ? value : null;
}

function text(event: LiveEvent, name: string): string {
  const value = event.body[name];
  return typeof value === "string" ? value : "";
}

/** Pages after some events; the same object where nothing changed, so that nothing is drawn again. */
export function pagesAfter<T extends { items: I[] }, I>(
  data: InfiniteData<T> | undefined,
  after: (item: I) => I,
): InfiniteData<T> | undefined {
  if (data === undefined) return undefined;
  let changed = false;
  const pages = data.pages.map((page) => {
    let pageChanged = false;
    const items = page.items.map((item) => {
      const next = after(item);
      if (next !== item) pageChanged = true;
      return next;
    });
    if (!pageChanged) return page;
    changed = true;
    return { ...page, items };
  });
  return changed ? { ...data, pages } : data;
}

/** Put events into what was read, and have read again what they cannot tell. */
export function merge(client: QueryClient, events: readonly LiveEvent[]): void {
  const byStation = new Map<unknown, LiveEvent[]>();
  const bySession = new Map<unknown, LiveEvent[]>();
  for (const event of events) {
    push(byStation, event.body["station"], event);
    push(bySession, event.body["session"], event);
  }
  const station = (one: StationView) => (byStation.get(one.id) ?? []).reduce(stationAfter, one);
  const session = (one: SessionView) => (bySession.get(one.id) ?? []).reduce(sessionAfter, one);
  client.setQueriesData<StationList>({ queryKey: keys.stationLists }, (data) => pagesAfter(data, station));
  client.setQueriesData<SessionList>({ queryKey: keys.sessionLists }, (data) => pagesAfter(data, session));
  client.setQueriesData<StationView>({ queryKey: ["station"], predicate: ({ queryKey }) => byStation.has(queryKey[1]) }, (one) => one && station(one));
  client.setQueriesData<SessionView>({ queryKey: ["session"], predicate: ({ queryKey }) => bySession.has(queryKey[1]) }, (one) => one && session(one));
}

/** These add up the whole network: they are read again now and then, not with each event. */
const SUMS = new Set<unknown>([keys.overview[0], keys.attention[0], keys.sites[0], keys.stationLists[0], keys.sessionLists[0]]);
const SUM_EVERY_MS = 4_000;
/** A day in steps of five minutes does not change sooner. */
const DAY_EVERY_MS = 60_000;
const EACH_EVERY_MS = 500;

/** Has read again what events made old: at once, and then not sooner than it makes sense. */
export class Refresher {
  readonly #again = new Map<string, { key: readonly unknown[]; due: number }>();
  readonly #last = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly client: QueryClient, private readonly now: () => number = Date.now) {}

  mark(stale: readonly (readonly unknown[])[]): void {
    // What nobody has read cannot be old: with a thousand events a second, most of it.
    const held = new Set(this.client.getQueryCache().getAll().map(({ queryKey }) => JSON.stringify(queryKey.slice(0, 2))));
    const rooms = new Set([...held].map((text) => (JSON.parse(text) as unknown[])[0]));
    for (const key of stale) {
      const name = JSON.stringify(key);
      if (this.#again.has(name) || !(key.length > 1 ? held.has(name) : rooms.has(key[0]))) continue;
      const pace = key[0] === keys.power[0] ? DAY_EVERY_MS : SUMS.has(key[0]) ? SUM_EVERY_MS : EACH_EVERY_MS;
      this.#again.set(name, { key, due: (this.#last.get(name) ?? 0) + pace });
    }
    this.#run();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #run = (): void => {
    clearTimeout(this.#timer);
    const now = this.now();
    let next = Infinity;
    for (const [name, { key, due }] of this.#again) {
      if (due <= now) {
        this.#again.delete(name);
        this.#last.set(name, now);
        void this.client.invalidateQueries({ queryKey: key });
      } else {
        next = Math.min(next, due);
      }
    }
    if (next < Infinity) this.#timer = setTimeout(this.#run, next - now);
    if (this.#last.size > REMEMBERED_MAX) this.#last.clear();
  };
}

const REMEMBERED_MAX = 1_000;

/** What must be read again after these events. */
export function staleAfter(events: readonly LiveEvent[]): (readonly unknown[])[] {
  const stale = new Map<string, readonly unknown[]>();
  const mark = (key: readonly unknown[]) => stale.set(JSON.stringify(key), key);
  for (const event of events) {
    const station = String(event.body["station"] ?? "");
    const [room] = event.type.split(".");
    if (event.type === "session.progress") {
      mark(keys.overview);
      mark(keys.sites);
      mark(keys.power);
      mark(keys.readings(String(event.body["session"])));
      continue;
    }
    if (room === "session") {
      mark(keys.sessionLists);
      mark(keys.overview);
      if (event.type === "session.ended") mark(keys.sessionEvents(String(event.body["session"])));
    } else if (event.type === "command.settled") {
      mark(keys.orders);
    } else if (room === "alarm") {
      mark(keys.alarms(station));
      mark(keys.alarmLists);
      mark(keys.overview);
    } else if (event.type === "station.added") {
      mark(keys.stationLists);
      mark(keys.overview);
    } else if (event.type === "station.changed") {
      mark(keys.station(station));
    } else if (event.type === "station.conforms" || event.type === "station.drifted" || event.type === "station.model_reported") {
      mark(keys.drift(station));
      mark(keys.variables(station));
    } else if (room === "firmware" || room === "log") {
      mark(keys.jobs(station));
    } else if (room === "reservation") {
      mark(keys.reservationLists);
    } else if (room === "site") {
      mark(keys.site(String(event.body["site"])));
      mark(keys.sites);
    } else if (room === "settings") {
      mark(keys.settings);
      mark(keys.overview);
      mark(keys.sites);
    } else if (room === "certificate") {
      mark(keys.certificates(station));
    } else if (room === "token") {
      mark(keys.tokens);
    } else {
      mark(keys.overview);
      mark(keys.attention);
      mark(keys.sites);
    }
    if (station === "") continue;
    mark(keys.timeline(station));
  }
  return [...stale.values()];
}

function push(map: Map<unknown, LiveEvent[]>, key: unknown, event: LiveEvent): void {
  if (typeof key !== "string" || key === "") return;
  const list = map.get(key);
  if (list === undefined) map.set(key, [event]);
  else list.push(event);
}

/** Open the stream and keep it open, until the function that is returned is called. */
export function connect(client: QueryClient, url = "/api/v1/live"): () => void {
  let source: EventSource | null = null;
  let waiting: LiveEvent[] = [];
  let gather: ReturnType<typeof setTimeout> | undefined;
  let frame = 0;
  let restUntil = 0;
  const refresher = new Refresher(client);
  let retry: ReturnType<typeof setTimeout> | undefined;
  let attempts = 0;
  let missed = false;

  const flush = () => {
    frame = 0;
    const events = waiting;
    waiting = [];
    const began = performance.now();
    merge(client, events);
    refresher.mark(staleAfter(events));
    const told = events.filter(({ type }) => type !== "session.progress").reverse();
    if (told.length > 0) feed.set([...told, ...feed.read()].slice(0, FEED_MAX));
    // What follows from it is drawn after this: the next frame knows how long that took.
    requestAnimationFrame(() => (restUntil = performance.now() + REST_TIMES * (performance.now() - began)));
  };
  const soon = () => {
    gather = undefined;
    // A page that nobody looks at draws no frames.
    if (document.hidden) flush();
    else frame = requestAnimationFrame(flush);
  };
  const onMessage = (message: MessageEvent<string>) => {
    const said = JSON.parse(message.data) as Omit<LiveEvent, "id">;
    waiting.push({ ...said, id: message.lastEventId });
    if (frame === 0) gather ??= setTimeout(soon, Math.max(GATHER_MS, restUntil - performance.now()));
  };
  const open = () => {
    source = new EventSource(url);
    for (const type of LIVE_TYPES) source.addEventListener(type, onMessage);
    // We read too slowly and were sent away, or what we missed is not kept any more: what is on the screen is read anew.
    for (const type of ["behind", "reset"]) source.addEventListener(type, () => void client.invalidateQueries());
    source.onopen = () => {
      attempts = 0;
      liveStatus.set({ state: "live", since: Date.now() });
      // The stream goes on where it broke only if it had told something, and not for ever.
      if (missed) void client.invalidateQueries();
      missed = false;
    };
    source.onerror = () => {
      if (liveStatus.read().state !== "lost") liveStatus.set({ state: "lost", since: Date.now() });
      missed = true;
      // The browser tries again by itself; unless it was refused.
      if (source?.readyState !== EventSource.CLOSED) return;
      retry = setTimeout(open, RETRY_MS[Math.min(attempts++, RETRY_MS.length - 1)]);
    };
  };
  const fallback = setInterval(() => {
    if (liveStatus.read().state !== "live") void client.invalidateQueries();
  }, FALLBACK_MS);
  open();
  return () => {
    clearTimeout(gather);
    cancelAnimationFrame(frame);
    refresher.stop();
    clearTimeout(retry);
    clearInterval(fallback);
    source?.close();
  };
}
