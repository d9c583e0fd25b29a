/** When power flowed and when it did not, from the readings of a session. */
import type { ReadingView } from "../../api/schema";

export interface Period {
  kind: "charging" | "paused" | "returning";
  from: number;
  to: number;
  energyWh: number;
  /** The greatest power that was told in it. */
  peakW: number | null;
}

type Point = Pick<ReadingView, "sampled_at" | "energy_wh" | "export_wh" | "power_w">;

export function periodsOf(readings: readonly Point[]): Period[] {
  const periods: Period[] = [];
  for (let index = 1; index < readings.length; index++) {
    const before = readings[index - 1]!;
    const now = readings[index]!;
    const energyWh = risen(before.energy_wh, now.energy_wh) - risen(before.export_wh, now.export_wh);
    const kind = energyWh < 0 ? "returning" : energyWh > 0 || (now.power_w ?? 0) > 0 ? "charging" : "paused";
    const last = periods.at(-1);
    const to = Date.parse(now.sampled_at);
    const peakW = greatest(now.power_w, kind === last?.kind ? last.peakW : before.power_w);
    if (last !== undefined && last.kind === kind) periods[periods.length - 1] = { ...last, to, energyWh: last.energyWh + energyWh, peakW };
    else if (to > Date.parse(before.sampled_at)) periods.push({ kind, from: Date.parse(before.sampled_at), to, energyWh, peakW });
  }
  return periods;
}

/** A register that fell or is missing says nothing. */
function risen(before: number | null, now: number | null): number {
  return before === null || now === null ? 0 : Math.max(0, now - before);
}

function greatest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.abs(one) >= Math.abs(other) ? one : other;
}
