import { IconId } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { room } from "../../shell/room";
import { root } from "../../shell/root";

export const tokens = room({
  entries: [{ to: "/tokens", label: "nav.tokens", icon: IconId, permission: "tokens.read", key: "t" }],
  routes: [
    createRoute({
      getParentRoute: () => root,
      path: "/tokens",
      validateSearch: (found: Record<string, unknown>): { find?: string } => ({
        find: found["find"] !== undefined && found["find"] !== "" ? String(found["find"]) : undefined,
      }),
      component: lazyRouteComponent(() => import("./Tokens"), "Tokens"),
    }),
  ],
});
