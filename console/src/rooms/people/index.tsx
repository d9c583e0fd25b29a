import { IconBuilding, IconClipboardList, IconKey, IconLogin2, IconUsers } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { AuditSort } from "../../api/queries";
import { room } from "../../shell/room";
import { root } from "../../shell/root";

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

export const people = room({
  entries: [
    { to: "/users", label: "nav.users", icon: IconUsers, permission: "people.read", key: "u", group: "house" },
    { to: "/apikeys", label: "nav.apikeys", icon: IconKey, permission: "people.read", key: "k", group: "house" },
    { to: "/tenants", label: "nav.tenants", icon: IconBuilding, permission: "tenants.read", key: "n", group: "house" },
    { to: "/sso", label: "nav.sso", icon: IconLogin2, permission: "people.read", key: "l", group: "house" },
    { to: "/audit", label: "nav.audit", icon: IconClipboardList, permission: "audit.read", key: "a", group: "house" },
  ],
  routes: [
    createRoute({ getParentRoute: () => root, path: "/tenants", component: lazyRouteComponent(() => import("./Tenants"), "Tenants") }),
    createRoute({ getParentRoute: () => root, path: "/sso", component: lazyRouteComponent(() => import("./SingleSignOn"), "SingleSignOn") }),
    createRoute({ getParentRoute: () => root, path: "/users", component: lazyRouteComponent(() => import("./Users"), "Users") }),
    createRoute({ getParentRoute: () => root, path: "/apikeys", component: lazyRouteComponent(() => import("./ApiKeys"), "ApiKeys") }),
    createRoute({
      getParentRoute: () => root,
      path: "/audit",
      validateSearch: (found: Record<string, unknown>): { actor?: string; subject?: string; sort?: AuditSort } => ({
        actor: text(found["actor"]),
        subject: text(found["subject"]),
        sort: found["sort"] === "seq" ? "seq" : undefined,
      }),
      component: lazyRouteComponent(() => import("./Audit"), "Audit"),
    }),
  ],
});
