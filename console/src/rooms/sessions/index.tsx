import { IconBolt } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { SessionSort } from "../../api/queries";
import { room } from "../../shell/room";
import { root } from "../../shell/root";

export interface SessionsSearch {
  state?: "active" | "ended";
  station?: string;
  site?: string;
  q?: string;
  sort?: SessionSort;
}

const text = (value: unknown) => (value !== undefined && value !== "" ? String(value) : undefined);

export const sessions = room({
  entries: [{ to: "/sessions", label: "nav.sessions", icon: IconBolt, permission: "sessions.read", key: "e" }],
  routes: [
    createRoute({
      getParentRoute: () => root,
      path: "/sessions",
      validateSearch: (found: Record<string, unknown>): SessionsSearch => ({
        state: found["state"] === "active" || found["state"] === "ended" ? found["state"] : undefined,
        station: text(found["station"]),
        site: text(found["site"]),
        q: text(found["q"]),
        sort: text(found["sort"]) as SessionSort | undefined,
      }),
      component: lazyRouteComponent(() => import("./Sessions"), "Sessions"),
    }),
    createRoute({
      getParentRoute: () => root,
      path: "/sessions/$id",
      component: lazyRouteComponent(() => import("./Session"), "Session"),
    }),
  ],
});
