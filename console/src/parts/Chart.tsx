/** The one chart: thin lines over time, gaps shown as gaps, a table behind it for those who cannot see it. */
import { Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";
import { useT } from "../i18n";
import { clock } from "../lib/format";
import { useZone } from "../lib/zones";

/** A colour of the style sheet: parts of a whole have eight of their own, without a meaning. */
export type Tone = "charging" | "available" | "reserved" | "waiting" | "rest" | `part-${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`;

export interface Series {
  name: string;
  /** Moment in ms, value; null breaks the line. */
  points: readonly (readonly [number, number | null])[];
  format: (value: number) => string;
  tone: Tone;
  /** Which scale: the left one or the right one. */
  axis?: 0 | 1;
  filled?: boolean;
  /** On top of those before it. */
  stacked?: boolean;
}

export interface ChartProps {
  label: string;
  series: readonly Series[];
  height?: number;
  from?: number;
  to?: number;
  zoom?: boolean;
}

const Canvas = lazy(() => import("./ChartCanvas"));
const TABLE_ROWS = 60;

export function Chart(props: ChartProps) {
  const height = props.height ?? 240;
  return (
    <figure style={{ margin: 0 }}>
      <div style={{ height }} role="img" aria-label={props.label}>
        <Suspense fallback={<Skeleton height={height} />}>
          <Canvas {...props} height={height} />
        </Suspense>
      </div>
      <Behind {...props} />
    </figure>
  );
}

function Behind({ label, series }: ChartProps) {
  const { language } = useT();
  const zone = useZone();
  const moments = series.at(-1)?.points ?? [];
  const step = Math.max(1, Math.ceil(moments.length / TABLE_ROWS));
  return (
    // A table is as wide as its words whatever it is told: what hides it has to stand around it.
    <div className="sr">
      <table>
        <caption>{label}</caption>
        <thead>
          <tr>
            <th scope="col">t</th>
            {series.map((one) => <th scope="col" key={one.name}>{one.name}</th>)}
          </tr>
        </thead>
        <tbody>
          {moments.map(([at], index) =>
            index % step !== 0 ? null : (
              <tr key={at}>
                <th scope="row">{clock(at, language, zone)}</th>
                {series.map((one) => {
                  const value = one.points[index]?.[1];
                  return <td key={one.name}>{value === null || value === undefined ? "–" : one.format(value)}</td>;
                })}
              </tr>
            ),
          )}
        </tbody>
      </table>
    </div>
  );
}
