import { expect, test } from "vitest";
import { dayPoints, partsOf } from "./day";

test("a day of power: averages in the middle of their steps, then what was told live; a gap stays one", () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 12, minute)).toISOString();
  const step = (minute: number, power_w: number | null) => ({ at: at(minute), power_w, sessions: 1, measured: 1 });
  const history = { begins_at: at(0), ends_at: at(20), step_s: 300, items: [step(0, 1_000), step(5, null), step(10, 3_000), step(15, 9_999)], parts: [] };
  const live = [[Date.parse(at(12)), 5], [Date.parse(at(17)), 4_000]] as const;
  expect(dayPoints(history, Date.parse(at(17)), live)).toEqual([
    [Date.parse(at(2)) + 30_000, 1_000], [Date.parse(at(7)) + 30_000, null], [Date.parse(at(12)) + 30_000, 3_000], [Date.parse(at(16)), 9_999], [Date.parse(at(17)), 4_000],
  ]);
});

test("parts of a day: named, what is not among them is the rest, and one alone is no part", () => {
  const step = (power_w: number | null) => ({ at: "2026-03-01T12:00:00Z", power_w, sessions: 1, measured: 1 });
  const history = { begins_at: "", ends_at: "", step_s: 900, items: [step(10_000), step(null), step(5_000)], parts: [{ id: "HH", power_w: [6_000, null, 4_999] }, { id: "", power_w: [1_000, 0, 0] }] };
  const words = { nowhere: "nowhere", rest: "rest" };
  expect(partsOf(history, words, new Map([["HH", "Hamburg"]])).map(({ name, power_w }) => [name, power_w])).toEqual([["Hamburg", [6_000, null, 4_999]], ["nowhere", [1_000, 0, 0]], ["rest", [3_000, null, 1]]]);
  expect(partsOf({ ...history, items: [step(7_001), step(null), step(4_999)] }, words, new Map()).map(({ name }) => name)).toEqual(["HH", "nowhere"]);
  expect(partsOf({ ...history, parts: history.parts.slice(1) }, words, new Map())).toEqual([]);
});
