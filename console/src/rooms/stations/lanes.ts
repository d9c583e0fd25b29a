import type { Happened } from "../../api/queries";
import type { StationView } from "../../api/schema";

export interface Span {
  state: string;
  from: number;
  to: number;
  error: string;
}

export interface Lane {
  key: string;
  /** 0 is the station's connection. */
  evse: number;
  connector: number;
  spans: Span[];
}

/** What was how for how long, from events in their order; each lane ends now, as it is now. */
export function lanes(station: Pick<StationView, "connected" | "connectors">, events: readonly Happened[], now: number): Lane[] {
  const found = new Map<string, Lane>();
  const lane = (evse: number, connector: number) => {
    const key = `${evse}/${connector}`;
    const held = found.get(key) ?? { key, evse, connector, spans: [] };
    found.set(key, held);
    return held;
  };
  const change = (one: Lane, state: string, at: number, error = "") => {
    const last = one.spans.at(-1);
    if (last !== undefined) last.to = at;
    if (last === undefined || last.state !== state || last.error !== error) one.spans.push({ state, from: at, to: now, error });
    else last.to = now;
  };
  lane(0, 0);
  for (const { evse, connector } of station.connectors) if (evse > 0) lane(evse, connector);
  for (const event of events) {
    const at = Date.parse(event.at);
    if (event.type === "station.connected") change(lane(0, 0), "online", at);
    else if (event.type === "station.disconnected") change(lane(0, 0), "offline", at);
    else if (event.type === "connector.changed" && Number(event.body["evse_no"]) > 0) {
      change(lane(Number(event.body["evse_no"]), Number(event.body["connector_no"])), String(event.body["state"]), at, String(event.body["error"] ?? ""));
    }
  }
  // Nothing happened to it in this time: it is as it was.
  const first = Math.min(now, ...events.map(({ at }) => Date.parse(at)));
  for (const one of found.values()) {
    if (one.spans.length > 0) continue;
    const state = one.evse === 0 ? (station.connected ? "online" : "offline") : station.connectors.find((c) => c.evse === one.evse && c.connector === one.connector)?.state;
    one.spans.push({ state: state ?? "unknown", from: first, to: now, error: "" });
  }
  return [...found.values()].sort((a, b) => a.evse - b.evse || a.connector - b.connector);
}
