import { expect, test } from "vitest";
import { dayPoints } from "./day";

test("a day of power: averages in the middle of their steps, then what was told live; a gap stays one", () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 12, minute)).toISOString();
  const step = (minute: number, power_w: number | null) => ({ at: at(minute), power_w, sessions: 1, measured: 1 });
  const history = { begins_at: at(0), ends_at: at(17), step_s: 300, items: [step(0, 1_000), step(5, null), step(10, 3_000), step(15, 9_999)] };
  const live = [[Date.parse(at(12)), 5], [Date.parse(at(16)), 4_000]] as const;
  expect(dayPoints(history, live)).toEqual([[Date.parse(at(2)) + 30_000, 1_000], [Date.parse(at(7)) + 30_000, null], [Date.parse(at(12)) + 30_000, 3_000], [Date.parse(at(16)), 4_000]]);
});
