import { IconLayoutDashboard } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { room } from "../../shell/room";
import { root } from "../../shell/root";

export const overview = room({
  entries: [{ to: "/", label: "nav.overview", icon: IconLayoutDashboard, key: "o" }],
  routes: [
    createRoute({ getParentRoute: () => root, path: "/", component: lazyRouteComponent(() => import("./Overview"), "Overview") }),
  ],
});
