import { IconBolt } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { room } from "../../shell/room";
import { root } from "../../shell/root";

export const sessions = room({
  entries: [{ to: "/sessions", label: "nav.sessions", icon: IconBolt, permission: "sessions.read", key: "e" }],
  routes: [
    createRoute({
      getParentRoute: () => root,
      path: "/sessions",
      validateSearch: (found: Record<string, unknown>): { state?: "active" | "ended"; station?: string } => ({
        state: found["state"] === "active" || found["state"] === "ended" ? found["state"] : undefined,
        station: typeof found["station"] === "string" && found["station"] !== "" ? found["station"] : undefined,
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
