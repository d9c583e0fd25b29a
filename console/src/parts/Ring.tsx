import type { SitePorts as Ports } from "../api/schema";
import { arcs, portsOf, TONES } from "./ring";

const WIDTH = 6;

/** Decoration: whoever draws it says the same in words. */
export function Ring({ ports, radius }: { ports: Ports; radius: number }) {
  const size = 2 * radius;
  const r = radius - WIDTH / 2;
  const length = 2 * Math.PI * r;
  return (
    <svg width={size} height={size} viewBox={`0 0 ${size} ${size}`} aria-hidden className="ring">
      <circle cx={radius} cy={radius} r={radius - 1} className="ring-back" />
      {arcs(ports).map(({ kind, from, share }) => (
        <circle
          key={kind} data-tone={TONES[kind]} data-kind={kind} cx={radius} cy={radius} r={r} fill="none" stroke="var(--tone)" strokeWidth={WIDTH}
          strokeDasharray={`${share * length} ${length}`} strokeDashoffset={-from * length} transform={`rotate(-90 ${radius} ${radius})`}
        />
      ))}
      <text x={radius} y={radius} textAnchor="middle" dominantBaseline="central">{portsOf(ports)}</text>
    </svg>
  );
}
