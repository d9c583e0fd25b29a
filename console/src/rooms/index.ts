/** All rooms that have pages. A new one is a folder beside these and one line in each list. */
import type { Deed, Entry } from "../shell/room";
import { alarms } from "./alarms";
import { overview } from "./overview";
import { people } from "./people";
import { reservations } from "./reservations";
import { sessions } from "./sessions";
import { sites } from "./sites";
import { settings } from "./settings";
import { stations } from "./stations";
import { tokens } from "./tokens";
import { webhooks } from "./webhooks";

export const entries: readonly Entry[] = [
  ...overview.entries, ...sites.entries, ...stations.entries, ...sessions.entries, ...alarms.entries, ...reservations.entries, ...tokens.entries, ...people.entries, ...webhooks.entries, ...settings.entries,
];
export const deeds: readonly Deed[] = stations.deeds ?? [];
export const routes = [
  ...overview.routes, ...sites.routes, ...stations.routes, ...sessions.routes, ...alarms.routes, ...reservations.routes, ...tokens.routes, ...people.routes, ...webhooks.routes, ...settings.routes,
] as const;
