import { Store } from "../../lib/store";

export type Point = readonly [number, number | null];

const KEPT_MS = 30 * 60_000;
/** Longer than this without a figure, and the line has a gap. */
const GAP_MS = 30_000;

/** The power of the last half hour, as it was told while the console was open. */
export const powerTrail = new Store<readonly Point[]>([]);

export function trailAfter(trail: readonly Point[], at: number, watts: number): readonly Point[] {
  const last = trail.at(-1)?.[0];
  if (last !== undefined && at <= last) return trail;
  const gap: Point[] = last !== undefined && at - last > GAP_MS ? [[last + 1, null]] : [];
  return [...trail, ...gap, [at, watts] as const].filter(([moment]) => moment >= at - KEPT_MS);
}
