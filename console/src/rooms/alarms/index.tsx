import { IconBell } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { AlarmSort } from "../../api/queries";
import { room } from "../../shell/room";
import { root } from "../../shell/root";

export const ALARM_STATES = ["open", "acknowledged", "cleared"] as const;
export type AlarmStateName = (typeof ALARM_STATES)[number];

export interface AlarmsSearch {
  /** Which; those that nobody has looked at yet, unless told. */
  state?: AlarmStateName | "all";
  worse?: number;
  find?: string;
  sort?: AlarmSort;
}

export const alarms = room({
  entries: [{ to: "/alarms", label: "nav.alarms", icon: IconBell, permission: "stations.read", key: "l" }],
  routes: [
    createRoute({
      getParentRoute: () => root,
      path: "/alarms",
      validateSearch: (found: Record<string, unknown>): AlarmsSearch => ({
        state: found["state"] === "all" ? "all" : ALARM_STATES.find((one) => one === found["state"]),
        worse: typeof found["worse"] === "number" ? found["worse"] : undefined,
        find: found["find"] !== undefined && found["find"] !== "" ? String(found["find"]) : undefined,
        sort: typeof found["sort"] === "string" ? (found["sort"] as AlarmSort) : undefined,
      }),
      component: lazyRouteComponent(() => import("./Alarms"), "Alarms"),
    }),
  ],
});
