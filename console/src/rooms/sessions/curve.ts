import type { ReadingView } from "../../api/schema";

type Points = [number, number | null][];

/** No reading for this many times the usual pace is a gap, and is shown as one. */
const GAP_TIMES = 5;
const GAP_MIN_MS = 5 * 60_000;

/** The lines of a session from its readings: power, state of charge, and energy since the start. */
export function curve(readings: readonly Pick<ReadingView, "sampled_at" | "power_w" | "soc_pct" | "energy_wh">[]): { powers: Points; socs: Points; energies: Points } {
  const powers: Points = [];
  const socs: Points = [];
  const energies: Points = [];
  const moments = readings.map(({ sampled_at }) => Date.parse(sampled_at));
  const paces = moments.slice(1).map((at, index) => at - moments[index]!).sort((a, b) => a - b);
  const gap = Math.max(GAP_MIN_MS, GAP_TIMES * (paces[Math.floor(paces.length / 2)] ?? 0));
  const first = readings.find(({ energy_wh }) => energy_wh !== null)?.energy_wh ?? 0;
  readings.forEach((reading, index) => {
    const at = moments[index]!;
    const before = moments[index - 1];
    if (before !== undefined && at - before > gap) for (const line of [powers, socs, energies]) line.push([before + 1, null]);
    // A reading without a value says nothing about it; that is no gap.
    if (reading.power_w !== null) powers.push([at, reading.power_w]);
    if (reading.soc_pct !== null) socs.push([at, reading.soc_pct]);
    if (reading.energy_wh !== null) energies.push([at, reading.energy_wh - first]);
  });
  return { powers, socs, energies };
}
