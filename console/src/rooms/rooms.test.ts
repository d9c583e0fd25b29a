import { describe, expect, test } from "vitest";
import { trailAfter } from "./overview/trail";
import { curve } from "./sessions/curve";
import { bodyOf, commandNames, formOf, templateOf } from "./stations/commands";
import { withLatency } from "./stations/exchange";
import { lanes } from "./stations/lanes";

const minute = (n: number) => new Date(Date.UTC(2026, 2, 1, 12, n)).toISOString();
const at = (n: number) => Date.parse(minute(n));

describe("a session's curve", () => {
  const reading = (n: number, energy_wh: number | null, power_w: number | null = 1000) => ({ sampled_at: minute(n), energy_wh, power_w, soc_pct: null });

  test("energy counts from the first register", () => {
    expect(curve([reading(0, 5_000), reading(1, 5_020)]).energies).toEqual([[at(0), 0], [at(1), 20]]);
  });

  test("a silence is a gap, a reading without the value is none", () => {
    const { powers } = curve([reading(0, 0), reading(1, 0, null), reading(2, 0), reading(40, 0)]);
    expect(powers).toEqual([[at(0), 1000], [at(2), 1000], [at(2) + 1, null], [at(40), 1000]]);
  });
});

test("the trail of power forgets what is old, and has gaps", () => {
  let trail = trailAfter([], 0, 5);
  trail = trailAfter(trail, 5_000, 6);
  expect(trailAfter(trail, 5_000, 7)).toBe(trail);
  trail = trailAfter(trail, 100_000, 8);
  expect(trail).toEqual([[0, 5], [5_000, 6], [5_001, null], [100_000, 8]]);
  expect(trailAfter(trail, 4_000_000, 9).at(0)?.[0]).toBeGreaterThan(2_000_000);
});

describe("commands by the API's document", () => {
  test("every command has a form", () => {
    expect(commandNames().length).toBeGreaterThan(40);
    for (const name of commandNames()) expect(JSON.parse(templateOf(formOf(name), {})), name).toMatchObject({ command: name });
  });

  test("fields left empty are left out, the others have their types", () => {
    const form = formOf("set_limit");
    expect(form.simple).toBe(true);
    expect(bodyOf(form, { limit_w: "11000", evse: "2" })).toEqual({ command: "set_limit", limit_w: 11000, evse: 2, phases: 3, voltage_v: 230 });
    expect(bodyOf(formOf("availability"), { operative: "false" })).toMatchObject({ command: "availability", operative: false });
  });

  test("what no field can hold is written as JSON", () => {
    expect(formOf("set_variables").simple).toBe(false);
    expect(formOf("raw").simple).toBe(false);
    expect(JSON.parse(templateOf(formOf("set_variables"), {}))).toEqual({ command: "set_variables", variables: [] });
  });
});

describe("the raw log", () => {
  const message = (ms: number, direction: string, frame: string) => ({ at: new Date(ms).toISOString(), direction, action: "Heartbeat", note: "", frame });

  test("an answer tells how long it took, in either direction", () => {
    const said = withLatency([message(1240, "in", '[3,"b",{}]'), message(1000, "out", '[2,"b","Reset",{}]'), message(12, "out", '[3,"a",{}]'), message(5, "in", '[2,"a","Heartbeat",{}]')]);
    expect(said.map(({ kind, tookMs }) => [kind, tookMs])).toEqual([["result", 240], ["call", null], ["result", 7], ["call", null]]);
  });

  test("what is no OCPP has no answer, and two of a kind have different keys", () => {
    const said = withLatency([message(5, "in", "rubbish"), message(5, "in", "rubbish")]);
    expect(new Set(said.map(({ key }) => key)).size).toBe(2);
    expect(said[0]).toMatchObject({ kind: "other", tookMs: null });
  });
});

test("lanes: states follow each other, and the last one lasts until now", () => {
  const connector = { evse: 1, connector: 1, state: "available", state_at: minute(0), received_at: minute(0), error: "", vendor_id: "", vendor_error: "", info: "" } as const;
  const changed = (n: number, state: string) => ({ at: minute(n), type: "connector.changed", body: { evse_no: 1, connector_no: 1, state, error: "" } });
  const found = lanes({ connected: true, connectors: [connector] }, [changed(0, "charging"), changed(10, "charging"), changed(20, "available")], at(30));
  expect(found.map(({ evse }) => evse)).toEqual([0, 1]);
  expect(found[0]!.spans).toMatchObject([{ state: "online", to: at(30) }]);
  expect(found[1]!.spans).toMatchObject([{ state: "charging", from: at(0), to: at(20) }, { state: "available", from: at(20), to: at(30) }]);
});
