import { IconChargingPile } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { StationSort } from "../../api/queries";
import { room } from "../../shell/room";
import { root } from "../../shell/root";
import { GROUPS } from "./names";

const WORDS = ["online", "offline"] as const;
export type Presence = (typeof WORDS)[number];
export const TABS = ["live", "sessions", "timeline", "model", "messages", "alarms", "certificates", "files", "codes", "facts"] as const;
export type Tab = (typeof TABS)[number];

export interface StationsSearch {
  find?: string;
  presence?: Presence;
  site?: string;
  sort?: StationSort;
}

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
const oneOf = <W extends string>(words: readonly W[], value: unknown) => words.find((word) => word === value);

export const stations = room({
  entries: [{ to: "/stations", label: "nav.stations", icon: IconChargingPile, permission: "stations.read", key: "s" }],
  deeds: Object.values(GROUPS).flat().map((name) => ({ name, permission: "commands.send" })),
  routes: [
    createRoute({
      getParentRoute: () => root,
      path: "/stations",
      validateSearch: (found: Record<string, unknown>): StationsSearch => ({
        find: text(found["find"]),
        presence: oneOf(WORDS, found["presence"]),
        site: text(found["site"]),
        sort: text(found["sort"]) as StationSort | undefined,
      }),
      component: lazyRouteComponent(() => import("./Stations"), "Stations"),
    }),
    createRoute({
      getParentRoute: () => root,
      path: "/stations/$id",
      validateSearch: (found: Record<string, unknown>): { tab?: Tab; command?: string } => ({
        tab: oneOf(TABS, found["tab"]),
        command: text(found["command"]),
      }),
      component: lazyRouteComponent(() => import("./Station"), "Station"),
    }),
    createRoute({
      getParentRoute: () => root,
      path: "/welcome",
      component: lazyRouteComponent(() => import("./Welcome"), "Welcome"),
    }),
  ],
});
