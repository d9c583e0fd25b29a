import { IconSettings } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { room } from "../../shell/room";
import { root } from "../../shell/root";

export const settings = room({
  entries: [{ to: "/settings", label: "nav.settings", icon: IconSettings, key: "c", group: "house" }],
  routes: [createRoute({ getParentRoute: () => root, path: "/settings", component: lazyRouteComponent(() => import("./Settings"), "Settings") })],
});
