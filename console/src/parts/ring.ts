/** A site's ports as a ring: which share is how. Pure. */
import type { SitePorts as Ports } from "../api/schema";
import type { Tone } from "./states";

export const PORT_KINDS = ["free", "charging", "faulted", "unavailable", "offline"] as const;
export type PortKind = (typeof PORT_KINDS)[number];

/** The states that these shares have their colour, icon and word from. */
export const LIKE: Readonly<Record<PortKind, string>> = { free: "available", charging: "charging", faulted: "faulted", unavailable: "unavailable", offline: "offline" };
export const TONES: Readonly<Record<PortKind, Tone>> = { free: "available", charging: "charging", faulted: "faulted", unavailable: "idle", offline: "idle" };

export interface Arc {
  kind: PortKind;
  /** Where it begins and how long it is, as shares of the whole ring. */
  from: number;
  share: number;
}

export const portsOf = (ports: Ports) => PORT_KINDS.reduce((sum, kind) => sum + ports[kind], 0);

export function arcs(ports: Ports): Arc[] {
  const total = portsOf(ports);
  let from = 0;
  return PORT_KINDS.flatMap((kind) => {
    const share = total === 0 ? 0 : ports[kind] / total;
    const arc = { kind, from, share };
    from += share;
    return share > 0 ? [arc] : [];
  });
}

const RADIUS_MIN = 13;
const RADIUS_MAX = 30;
/** A site of this power has the largest ring. */
const POWER_MAX_W = 2_000_000;

/** The area grows with the power, so that twice the power looks like twice as much. */
export function radius(powerW: number): number {
  const share = Math.min(1, Math.max(0, powerW) / POWER_MAX_W);
  return RADIUS_MIN + (RADIUS_MAX - RADIUS_MIN) * Math.sqrt(share);
}

export interface Box {
  id: string;
  /** In px: the middle of the ring. */
  x: number;
  y: number;
  radius: number;
  /** How wide its name is, about. */
  wide: number;
}

const NAME_HIGH = 38;
const GAP = 2;

export type Side = "below" | "above" | "right" | "left";

interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Where a name would lie, in the order in which it is tried. */
function sides({ x, y, radius: r, wide }: Box): [Side, Area][] {
  const across = { left: x - wide / 2, right: x + wide / 2 };
  const level = { top: y - NAME_HIGH / 2, bottom: y + NAME_HIGH / 2 };
  return [
    ["below", { ...across, top: y + r + GAP, bottom: y + r + GAP + NAME_HIGH }],
    ["above", { ...across, top: y - r - GAP - NAME_HIGH, bottom: y - r - GAP }],
    ["right", { ...level, left: x + r + GAP, right: x + r + GAP + wide }],
    ["left", { ...level, left: x - r - GAP - wide, right: x - r - GAP }],
  ];
}

const apart = (a: Area, b: Area) => a.right < b.left || a.left > b.right || a.bottom < b.top || a.top > b.bottom;

/** On which side of it each has room for its name on a map of this size, those first that come first; who has none is left out. */
export function named(boxes: readonly Box[], wide = Infinity, high = Infinity): Map<string, Side> {
  const inside = ({ left, right, top, bottom }: Area) => left >= 0 && top >= 0 && right <= wide && bottom <= high;
  const taken: Area[] = boxes.map(({ x, y, radius: r }) => ({ left: x - r, right: x + r, top: y - r, bottom: y + r }));
  const found = new Map<string, Side>();
  for (const box of boxes) {
    const free = sides(box).find(([, area]) => inside(area) && taken.every((other) => apart(area, other)));
    if (free === undefined) continue;
    found.set(box.id, free[0]);
    taken.push(free[1]);
  }
  return found;
}
