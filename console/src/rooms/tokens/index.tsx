import { IconId } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { TokenSort } from "../../api/queries";
import { room } from "../../shell/room";
import { root } from "../../shell/root";

export interface TokensSearch {
  find?: string;
  sort?: TokenSort;
}

export const tokens = room({
  entries: [{ to: "/tokens", label: "nav.tokens", icon: IconId, permission: "tokens.read", key: "t" }],
  routes: [
    createRoute({
      getParentRoute: () => root,
      path: "/tokens",
      validateSearch: (found: Record<string, unknown>): TokensSearch => ({
        find: found["find"] !== undefined && found["find"] !== "" ? String(found["find"]) : undefined,
        sort: typeof found["sort"] === "string" ? (found["sort"] as TokenSort) : undefined,
      }),
      component: lazyRouteComponent(() => import("./Tokens"), "Tokens"),
    }),
  ],
});
