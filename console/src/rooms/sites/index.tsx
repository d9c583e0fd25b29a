import { IconMapPin } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { room } from "../../shell/room";
import { root } from "../../shell/root";

export const sites = room({
  entries: [{ to: "/sites", label: "nav.sites", icon: IconMapPin, permission: "stations.read", key: "p" }],
  routes: [
    createRoute({
      getParentRoute: () => root,
      path: "/sites",
      validateSearch: (found: Record<string, unknown>): { find?: string } => ({
        find: typeof found["find"] === "string" && found["find"] !== "" ? found["find"] : undefined,
      }),
      component: lazyRouteComponent(() => import("./Sites"), "Sites"),
    }),
    createRoute({
      getParentRoute: () => root,
      path: "/sites/$id",
      component: lazyRouteComponent(() => import("./Site"), "Site"),
    }),
  ],
});
