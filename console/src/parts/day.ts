/** A day of power as points of a chart. */
import type { PowerHistory } from "../api/schema";

export type Point = readonly [number, number | null];

/** A step's average lies in its middle; the newest step is not over, so what is told live stands for it. */
export function dayPoints(history: PowerHistory, live: readonly Point[]): Point[] {
  const step = history.step_s * 1000;
  const over = history.items.filter(({ at }) => Date.parse(at) + step <= Date.parse(history.ends_at));
  const end = over.length === 0 ? 0 : Date.parse(over.at(-1)!.at) + step;
  return [...over.map(({ at, power_w }): Point => [Date.parse(at) + step / 2, power_w]), ...live.filter(([at]) => at >= end)];
}
