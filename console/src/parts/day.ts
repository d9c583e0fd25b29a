/** A day of power as points of a chart. */
import type { PowerHistory } from "../api/schema";
import type { Tone } from "./Chart";

export type Point = readonly [number, number | null];

/** A step's average lies in its middle, that of the newest in the middle of what is over of it; behind it is what is told live. */
export function dayPoints(history: PowerHistory, now: number, live: readonly Point[]): Point[] {
  const step = history.step_s * 1000;
  const points = history.items.map(({ at, power_w }): Point => {
    const begin = Date.parse(at);
    return [begin + Math.min(step, Math.max(0, now - begin)) / 2, power_w];
  });
  const end = points.at(-1)?.[0] ?? 0;
  return [...points, ...live.filter(([at]) => at > end)];
}

export interface Part {
  name: string;
  tone: Tone;
  power_w: (number | null)[];
}

const TONES: readonly Tone[] = ["part-1", "part-2", "part-3", "part-4", "part-5", "part-6", "part-7", "part-8"];

/** What the greatest sites or stations took, and the rest; nothing where there is but one. */
export function partsOf({ items, parts }: PowerHistory, words: { nowhere: string; rest: string }, names: ReadonlyMap<string, string>): Part[] {
  if (parts.length < 2) return [];
  const named = parts.map(({ id, power_w }, n): Part => ({ name: names.get(id) ?? (id || words.nowhere), tone: TONES[n % TONES.length]!, power_w }));
  const rest = items.map(({ power_w }, n) => (power_w === null ? null : Math.max(0, power_w - named.reduce((sum, part) => sum + (part.power_w[n] ?? 0), 0))));
  // Each part is rounded by itself: less than a watt for each is nothing.
  return rest.some((watts) => (watts ?? 0) > parts.length) ? [...named, { name: words.rest, tone: "rest", power_w: rest }] : named;
}
