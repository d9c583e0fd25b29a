import { IconCalendarClock } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { ReservationSort } from "../../api/queries";
import type { ReservationState } from "../../api/schema";
import { room } from "../../shell/room";
import { root } from "../../shell/root";

export const RESERVATION_STATES: readonly ReservationState[] = ["made", "used", "expired", "cancelled", "removed", "abandoned"];

export const reservations = room({
  entries: [{ to: "/reservations", label: "nav.reservations", icon: IconCalendarClock, permission: "tokens.read", key: "r" }],
  routes: [
    createRoute({
      getParentRoute: () => root,
      path: "/reservations",
      validateSearch: (found: Record<string, unknown>): { state?: ReservationState; find?: string; sort?: ReservationSort } => ({
        state: RESERVATION_STATES.find((one) => one === found["state"]),
        find: found["find"] !== undefined && found["find"] !== "" ? String(found["find"]) : undefined,
        sort: typeof found["sort"] === "string" ? (found["sort"] as ReservationSort) : undefined,
      }),
      component: lazyRouteComponent(() => import("./Reservations"), "Reservations"),
    }),
  ],
});
