import { expect, test } from "vitest";
import type { MessageView } from "../../api/schema";
import { asTest, literal } from "./asTest";
import { joined, ours, withLatency } from "./exchange";

const message = (second: number, direction: string, frame: unknown, action = "Heartbeat"): MessageView =>
  ({ at: new Date(Date.UTC(2026, 2, 1, 12, 0, 0, second * 1000)).toISOString(), direction, action, note: "", frame: JSON.stringify(frame) }) as MessageView;

const call = message(1, "in", [2, "7", "Heartbeat", { ok: true, none: null }]);
const answer = message(1.25, "out", [3, "7", { currentTime: "now" }]);

test("what passed and what was kept are one message", () => {
  const kept = { ...answer, at: call.at };
  expect(joined([answer, call], [kept, call])).toEqual([answer, call]);
  const older = message(-60, "in", [2, "7", "Heartbeat", { ok: true, none: null }]);
  expect(joined([answer, call], [kept, older])).toEqual([answer, call, older]);
});

test("an answer knows how long it took, by the id on the wire", () => {
  expect(withLatency([answer, call]).map(({ kind, tookMs }) => [kind, tookMs])).toEqual([["result", 250], ["call", null]]);
});

test("our own calls come with what the station said", () => {
  const asked = message(2, "out", [2, "a", "Reset", {}], "Reset");
  const said = message(2.1, "in", [3, "a", { status: "Accepted" }], "Reset");
  expect(ours([said, asked, answer, call])).toEqual([asked, said]);
});

test("an exchange becomes a test", () => {
  const all = withLatency([answer, call]);
  const text = asTest(all[0]!, all, "ocpp2.0.1");
  expect(text).toContain('wire.call("Heartbeat", {"ok": True, "none": None})');
  expect(text).toContain('assert answer == {"currentTime": "now"}');
  expect(text).toContain('yard.station("2.0.1")');
  expect(literal([1, "a\n", false])).toBe('[1, "a\\n", False]');
});
