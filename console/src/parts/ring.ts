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

/** Which of these have room for their names below them: the first ones first. */
export function named(boxes: readonly Box[]): Set<string> {
  const taken = boxes.map(({ id, x, y, radius: r }) => ({ id, left: x - r, right: x + r, top: y - r, bottom: y + r }));
  const found = new Set<string>();
  for (const { id, x, y, radius: r, wide } of boxes) {
    const name = { id, left: x - wide / 2, right: x + wide / 2, top: y + r, bottom: y + r + NAME_HIGH };
    const free = taken.every((other) => other.id === id || other.right < name.left || other.left > name.right || other.bottom < name.top || other.top > name.bottom);
    if (!free) continue;
    found.add(id);
    taken.push(name);
  }
  return found;
}
