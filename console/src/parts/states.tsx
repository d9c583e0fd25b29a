import {
  IconBolt, IconCalendarClock, IconCircleCheck, IconCircleOff, IconAlertTriangle, IconPlayerPause, IconPlug, IconPlugConnectedX,
  IconQuestionMark, IconLogout2, type Icon,
} from "@tabler/icons-react";
import { useT } from "../i18n";

export type Tone = "available" | "charging" | "reserved" | "waiting" | "faulted" | "idle";

/** Colour never stands alone: each state has an icon and a word as well. */
const LOOKS: Readonly<Record<string, readonly [Tone, Icon]>> = {
  available: ["available", IconCircleCheck],
  preparing: ["waiting", IconPlug],
  charging: ["charging", IconBolt],
  occupied: ["charging", IconPlug],
  suspended_ev: ["waiting", IconPlayerPause],
  suspended_evse: ["waiting", IconPlayerPause],
  finishing: ["waiting", IconLogout2],
  reserved: ["reserved", IconCalendarClock],
  unavailable: ["idle", IconCircleOff],
  faulted: ["faulted", IconAlertTriangle],
  offline: ["idle", IconPlugConnectedX],
  online: ["available", IconCircleCheck],
  active: ["charging", IconBolt],
  ended: ["idle", IconCircleCheck],
  accepted: ["available", IconCircleCheck],
  blocked: ["faulted", IconCircleOff],
  expired: ["waiting", IconCalendarClock],
  pending: ["waiting", IconQuestionMark],
  conforms: ["available", IconCircleCheck],
  drifted: ["waiting", IconAlertTriangle],
  valid: ["available", IconCircleCheck],
  expiring: ["waiting", IconCalendarClock],
  revoked: ["faulted", IconCircleOff],
  requested: ["waiting", IconCalendarClock],
  signed: ["charging", IconCircleCheck],
  rejected: ["faulted", IconCircleOff],
  failed: ["faulted", IconAlertTriangle],
  on: ["available", IconCircleCheck],
  failing: ["waiting", IconAlertTriangle],
  off: ["idle", IconCircleOff],
  waiting: ["waiting", IconCalendarClock],
  sending: ["charging", IconBolt],
  delivered: ["available", IconCircleCheck],
  reboot_needed: ["waiting", IconPlayerPause],
};

export function toneOf(state: string): Tone {
  return LOOKS[state]?.[0] ?? "idle";
}

export function State({ state, group = "state", pulse = false, label }: { state: string; group?: string; pulse?: boolean; label?: string }) {
  const t = useT();
  const [tone, Shape] = LOOKS[state] ?? (["idle", IconQuestionMark] as const);
  return (
    <span className="state" data-tone={tone} data-pulse={pulse || undefined}>
      <Shape size={15} stroke={1.8} aria-hidden />
      {label ?? t.word(group, state)}
    </span>
  );
}
