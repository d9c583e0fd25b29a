import { type InfiniteData, QueryClient } from "@tanstack/react-query";
import { expect, test, vi } from "vitest";
import { keys } from "./keys";
import { type LiveEvent, merge, Refresher, sessionAfter, staleAfter, stationAfter } from "./live";
import type { SessionView, StationPage, StationView } from "./schema";

const AT = "2026-03-01T12:00:00Z";

function station(id: string): StationView {
  return {
    id, tenant: "default", admission: "accepted", site: "", connected: false, protocol: "", vendor: "", model: "", serial: "", firmware: "", iccid: "",
    imsi: "", boot_reason: "", booted_at: null, connected_at: null, disconnected_at: null, seen_at: null, lenient: false, quirks: "auto", log_all: false,
    created_at: AT, connectors: [],
  } as unknown as StationView;
}

function event(type: string, body: Record<string, unknown>): LiveEvent {
  return { id: "1-1", type, at: AT, subject: String(body["station"] ?? ""), body };
}

const charging = event("connector.changed", { station: "A", evse_no: 2, connector_no: 1, state: "charging", error: "" });

test("a station connects and is lost", () => {
  const up = stationAfter(station("A"), event("station.connected", { station: "A", protocol: "ocpp2.0.1" }));
  expect(up).toMatchObject({ connected: true, connected_at: AT, protocol: "ocpp2.0.1" });
  expect(stationAfter(up, event("station.disconnected", { station: "A" }))).toMatchObject({ connected: false, disconnected_at: AT });
});

test("a connector that was not known appears in its place, and changes in place", () => {
  const one = stationAfter(station("A"), charging);
  const two = stationAfter(one, event("connector.changed", { station: "A", evse_no: 1, connector_no: 1, state: "faulted", error: "GroundFailure" }));
  expect(two.connectors.map(({ evse, state, error }) => [evse, state, error])).toEqual([[1, "faulted", "GroundFailure"], [2, "charging", ""]]);
  const three = stationAfter(two, event("connector.changed", { station: "A", evse_no: 2, connector_no: 1, state: "available", error: "" }));
  expect(three.connectors.map(({ state }) => state)).toEqual(["faulted", "available"]);
});

test("an event of another station leaves the very same object", () => {
  const held = station("B");
  expect(stationAfter(held, charging)).toBe(held);
});

test("progress moves a running session, and never one that has ended", () => {
  const running = { id: "ses_1", state: "active", power_w: 1, energy_wh: 10, soc_pct: null } as unknown as SessionView;
  const progress = event("session.progress", { station: "A", session: "ses_1", power_w: 7000, energy_wh: 20, soc_pct: 44 });
  expect(sessionAfter(running, progress)).toMatchObject({ power_w: 7000, energy_wh: 20, soc_pct: 44 });
  const ended = sessionAfter(running, event("session.ended", { station: "A", session: "ses_1", energy_wh: 21, exported_wh: 0, ended_at: AT, stop_reason: "Local", flags: [] }));
  expect(ended).toMatchObject({ state: "ended", power_w: null, energy_wh: 21 });
  expect(sessionAfter(ended, progress)).toBe(ended);
});

test("events reach lists and details; pages without change stay the same", () => {
  const client = new QueryClient();
  const pages: InfiniteData<StationPage> = {
    pages: [{ items: [station("A")], next: "A" }, { items: [station("B")], next: null }],
    pageParams: ["", "A"],
  };
  client.setQueryData(keys.stations({}), pages);
  client.setQueryData(keys.station("A"), station("A"));
  merge(client, [charging, event("station.connected", { station: "A", protocol: "ocpp1.6" })]);
  const after = client.getQueryData<InfiniteData<StationPage>>(keys.stations({}))!;
  expect(after.pages[0]!.items[0]).toMatchObject({ connected: true, connectors: [{ evse: 2, state: "charging" }] });
  expect(after.pages[1]).toBe(pages.pages[1]);
  expect(client.getQueryData<StationView>(keys.station("A"))).toMatchObject({ connected: true });
});

test("what events cannot tell is read again, once for many of them", () => {
  const many = Array.from({ length: 50 }, () => event("session.started", { station: "A", session: "ses_1" }));
  expect(staleAfter(many)).toEqual([keys.sessionLists, keys.overview, keys.timeline("A")]);
  expect(staleAfter([event("session.progress", { station: "A", session: "ses_1" })])).toEqual([keys.overview, keys.sites, keys.power, keys.readings("ses_1")]);
});

test("what adds up the network is read again at once, then not with each event; what nobody read is not", () => {
  vi.useFakeTimers({ now: 1_000_000 });
  const client = new QueryClient();
  client.setQueryData(keys.overview, {});
  client.setQueryData(keys.timeline("A"), []);
  const read: string[] = [];
  client.invalidateQueries = async ({ queryKey }: { queryKey?: readonly unknown[] } = {}) => void read.push(JSON.stringify(queryKey));
  const refresher = new Refresher(client);
  const told = () => refresher.mark([keys.overview, keys.timeline("A"), keys.timeline("B"), keys.attention]);
  told();
  expect(read).toEqual(['["overview"]', '["timeline","A"]']);
  for (let n = 0; n < 20; n++) {
    told();
    vi.advanceTimersByTime(100);
  }
  expect(read.filter((key) => key.includes("overview"))).toHaveLength(1);
  expect(read.filter((key) => key.includes("timeline")).length).toBeLessThan(7);
  vi.advanceTimersByTime(5_000);
  expect(read.filter((key) => key.includes("overview"))).toHaveLength(2);
  refresher.stop();
  vi.useRealTimers();
});

test("a thousand changes leave the rows that they do not concern as they were", () => {
  const client = new QueryClient();
  const items = Array.from({ length: 200 }, (_, n) => station(`S${n}`));
  client.setQueryData(keys.stations({}), { pages: [{ items, next: null }], pageParams: [""] });
  merge(client, Array.from({ length: 1000 }, (_, n) => event("connector.changed", { station: `S${n % 5}`, evse_no: 1, connector_no: 1, state: "charging", error: "" })));
  const after = client.getQueryData<InfiniteData<StationPage>>(keys.stations({}))!.pages[0]!.items;
  expect(after.filter((one, n) => one !== items[n])).toHaveLength(5);
});
