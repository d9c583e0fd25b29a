/** What the pages read, by name. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, ask } from "./client";
import { powerTrail, trailAfter } from "../rooms/overview/trail";
import { readMe } from "./account";
import { keys } from "./keys";
import type { paths, SessionState, SessionView } from "./schema";

const PAGE = 200;
const first = "";
const next = (page: { next: string | null }) => page.next ?? undefined;

export interface StationFilters {
  connected?: boolean | undefined;
  site?: string | undefined;
  q?: string | undefined;
  sort?: StationSort | undefined;
}

export interface SessionFilters {
  state?: SessionState | undefined;
  station?: string | undefined;
  site?: string | undefined;
  q?: string | undefined;
  sort?: SessionSort | undefined;
}

export interface TokenFilters {
  q?: string | undefined;
  sort?: TokenSort | undefined;
}

/** In which orders the platform has a list. */
type SortOf<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: { sort?: infer S } } } } ? Exclude<S, undefined> : never;
export type StationSort = SortOf<"/api/v1/stations">;
export type SessionSort = SortOf<"/api/v1/sessions">;
export type TokenSort = SortOf<"/api/v1/tokens">;

export const meQuery = queryOptions({ queryKey: keys.me, queryFn: readMe, retry: false, staleTime: Infinity });
/** Read again whenever something happens, which is every few seconds while somebody charges. */
export const overviewQuery = queryOptions({
  queryKey: keys.overview,
  queryFn: async () => {
    const seen = await ask(api.GET("/api/v1/overview"));
    powerTrail.set(trailAfter(powerTrail.read(), Date.parse(seen.at), seen.power_w));
    return seen;
  },
});

export const stationsQuery = (filters: StationFilters) =>
  infiniteQueryOptions({
    queryKey: keys.stations(filters),
    queryFn: ({ pageParam, signal }) =>
      ask(api.GET("/api/v1/stations", { params: { query: { limit: PAGE, cursor: pageParam, ...filters } }, signal })),
    initialPageParam: first,
    getNextPageParam: next,
    placeholderData: keepPreviousData,
  });

export const stationQuery = (id: string) =>
  queryOptions({
    queryKey: keys.station(id),
    queryFn: ({ signal }) => ask(api.GET("/api/v1/stations/{station_id}", { params: { path: { station_id: id } }, signal })),
  });

export type MessageSort = "at" | "-at";

export const messagesQuery = (station: string, sort: MessageSort = "-at") =>
  infiniteQueryOptions({
    queryKey: [...keys.messages(station), sort],
    queryFn: ({ pageParam, signal }) =>
      ask(
        api.GET("/api/v1/stations/{station_id}/messages", {
          params: { path: { station_id: station }, query: { limit: PAGE, cursor: pageParam, sort } },
          signal,
        }),
      ),
    initialPageParam: first,
    getNextPageParam: next,
  });

export const variablesQuery = (station: string) =>
  queryOptions({
    queryKey: keys.variables(station),
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/stations/{station_id}/variables", { params: { path: { station_id: station } }, signal })),
  });

export const driftQuery = (station: string) =>
  queryOptions({
    queryKey: keys.drift(station),
    queryFn: ({ signal }) => ask(api.GET("/api/v1/stations/{station_id}/drift", { params: { path: { station_id: station } }, signal })),
  });

/** An event about a station; which fields its body has depends on the type. */
export interface Happened {
  at: string;
  type: string;
  body: Record<string, unknown>;
}

const LATELY_MAX = 60;

/** What happened before the page was opened, newest first: at a station in the last day, or anywhere in the last hour. */
export const latelyQuery = (station?: string) =>
  queryOptions({
    queryKey: keys.lately(station ?? ""),
    queryFn: async ({ signal }) => {
      const page =
        station === undefined
          ? await ask(api.GET("/api/v1/events", { params: { query: { limit: LATELY_MAX } }, signal }))
          : await ask(
              api.GET("/api/v1/stations/{station_id}/timeline", {
                params: { path: { station_id: station }, query: { limit: LATELY_MAX, sort: "-at" } },
                signal,
              }),
            );
      return page.items.map(({ at, type, body }) => ({ at, type, body: body as Record<string, unknown> }));
    },
  });

const TIMELINE_PAGES_MAX = 5;

/** A station's events of the last day, oldest first; of more than there is room for, the newest. */
export const timelineQuery = (station: string) =>
  queryOptions({
    queryKey: keys.timeline(station),
    queryFn: async ({ signal }) => {
      const events: Happened[] = [];
      let cursor = first;
      for (let pages = 0; pages < TIMELINE_PAGES_MAX; pages++) {
        const page = await ask(
          api.GET("/api/v1/stations/{station_id}/timeline", {
            params: { path: { station_id: station }, query: { limit: 1000, cursor, sort: "-at" } },
            signal,
          }),
        );
        events.push(...page.items.map(({ at, type, body }) => ({ at, type, body: body as Record<string, unknown> })));
        if (page.next === null) break;
        cursor = page.next;
      }
      return events.reverse();
    },
  });

export const alarmsQuery = (station: string) =>
  queryOptions({
    queryKey: keys.alarms(station),
    queryFn: ({ signal }) => ask(api.GET("/api/v1/stations/{station_id}/alarms", { params: { path: { station_id: station } }, signal })),
  });

/** What a station holds, what was issued to it, and what it asked for. */
export const certificatesQuery = (station: string) =>
  queryOptions({
    queryKey: keys.certificates(station),
    queryFn: async ({ signal }) => {
      const query = { station, limit: PAGE };
      const [issued, requests, held] = await Promise.all([
        ask(api.GET("/api/v1/certificates", { params: { query }, signal })),
        ask(api.GET("/api/v1/certificates/requests", { params: { query }, signal })),
        ask(api.GET("/api/v1/certificates/stations/{station}", { params: { path: { station } }, signal })),
      ]);
      return { issued: issued.items, requests: requests.items, held: held.items };
    },
  });

type Asked<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Q } } } ? Omit<NonNullable<Q>, "limit" | "cursor"> : never;

export type AlarmSort = NonNullable<Asked<"/api/v1/alarms">["sort"]>;
export type ReservationSort = NonNullable<Asked<"/api/v1/reservations">["sort"]>;

export const networkAlarmsQuery = (filters: Asked<"/api/v1/alarms">) =>
  infiniteQueryOptions({
    queryKey: [...keys.alarmLists, filters],
    queryFn: ({ pageParam, signal }) => ask(api.GET("/api/v1/alarms", { params: { query: { limit: PAGE, cursor: pageParam, ...filters } }, signal })),
    initialPageParam: first,
    getNextPageParam: next,
    placeholderData: keepPreviousData,
  });

/** Up to a hundred: the bell counts no further. */
export const openAlarmsQuery = queryOptions({
  queryKey: [...keys.alarmLists, "open"],
  queryFn: ({ signal }) => ask(api.GET("/api/v1/alarms", { params: { query: { limit: 100, state: "open" } }, signal })),
});

export const networkReservationsQuery = (filters: Asked<"/api/v1/reservations">) =>
  infiniteQueryOptions({
    queryKey: [...keys.reservationLists, filters],
    queryFn: ({ pageParam, signal }) => ask(api.GET("/api/v1/reservations", { params: { query: { limit: PAGE, cursor: pageParam, ...filters } }, signal })),
    initialPageParam: first,
    getNextPageParam: next,
    placeholderData: keepPreviousData,
  });

/** What a frame that tells of a transaction has in it; a number could stand for anything. */
export function namesTransaction(frame: string, session: Pick<SessionView, "transaction">): boolean {
  const number = /^\d{1,10}$/.test(session.transaction);
  return number ? new RegExp(`"transactionId"\\s*:\\s*${session.transaction}\\b`).test(frame) : frame.includes(session.transaction);
}

/** The messages that name a session's transaction, newest first. */
export const sessionMessagesQuery = (session: SessionView) =>
  queryOptions({
    queryKey: keys.sessionMessages(session.id),
    queryFn: async ({ signal }) => {
      const query = { limit: 1000, q: session.transaction };
      const page = await ask(api.GET("/api/v1/stations/{station_id}/messages", { params: { path: { station_id: session.station }, query }, signal }));
      return page.items.filter(({ frame }) => namesTransaction(frame, session));
    },
  });

/** What a 2.x station said of a session: the first thousand events, more than any page can show. */
export const sessionEventsQuery = (session: string) =>
  queryOptions({
    queryKey: keys.sessionEvents(session),
    queryFn: ({ signal }) => ask(api.GET("/api/v1/sessions/{session_id}/events", { params: { path: { session_id: session }, query: { limit: 1000 } }, signal })),
  });

export const costsQuery = (station: string) =>
  queryOptions({
    queryKey: keys.costs(station),
    queryFn: ({ signal }) => ask(api.GET("/api/v1/stations/{station_id}/costs", { params: { path: { station_id: station } }, signal })),
  });

export const codesQuery = (station: string) =>
  queryOptions({
    queryKey: keys.codes(station),
    queryFn: ({ signal }) => ask(api.GET("/api/v1/stations/{station_id}/codes", { params: { path: { station_id: station } }, signal })),
  });

export const driverPageQuery = queryOptions({ queryKey: keys.driverPage, queryFn: () => ask(api.GET("/api/v1/driver-page")) });

export const jobsQuery = (station: string) =>
  queryOptions({
    queryKey: keys.jobs(station),
    queryFn: ({ signal }) => ask(api.GET("/api/v1/stations/{station_id}/file-jobs", { params: { path: { station_id: station } }, signal })),
  });

export const sessionsQuery = (filters: SessionFilters) =>
  infiniteQueryOptions({
    queryKey: keys.sessions(filters),
    queryFn: ({ pageParam, signal }) =>
      ask(api.GET("/api/v1/sessions", { params: { query: { limit: PAGE, cursor: pageParam, ...filters } }, signal })),
    initialPageParam: first,
    getNextPageParam: next,
    placeholderData: keepPreviousData,
  });

export const sessionQuery = (id: string) =>
  queryOptions({
    queryKey: keys.session(id),
    queryFn: ({ signal }) => ask(api.GET("/api/v1/sessions/{session_id}", { params: { path: { session_id: id } }, signal })),
  });

/** All readings of a session, page after page. */
export const readingsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.readings(id),
    queryFn: async ({ signal }) => {
      const readings = [];
      let cursor = first;
      for (let pages = 0; pages < READING_PAGES_MAX; pages++) {
        const page = await ask(
          api.GET("/api/v1/sessions/{session_id}/readings", {
            params: { path: { session_id: id }, query: { limit: 1000, cursor } },
            signal,
          }),
        );
        readings.push(...page.items);
        if (page.next === null) break;
        cursor = page.next;
      }
      return readings;
    },
  });
/** 20 000 readings are two weeks at one a minute; a chart cannot show more. */
const READING_PAGES_MAX = 20;

const POWER_STEP_S = 900;

/** The power of the last day, of the whole network by site, or of a site by station. */
export const powerQuery = (site?: string) =>
  queryOptions({
    queryKey: [...keys.power, site ?? null],
    queryFn: ({ signal }) => ask(api.GET("/api/v1/power", { params: { query: { step: POWER_STEP_S, ...(site === undefined ? { by: "site" } : { by: "station", site }) } }, signal })),
  });

const SITES_PAGES_MAX = 10;

/** Every site in a few numbers: a thousand a page. */
export const siteSummariesQuery = queryOptions({
  queryKey: keys.sites,
  queryFn: async ({ signal }) => {
    const sites = [];
    let cursor = first;
    for (let pages = 0; pages < SITES_PAGES_MAX; pages++) {
      const page = await ask(api.GET("/api/v1/overview/sites", { params: { query: { limit: 1000, cursor } }, signal }));
      sites.push(...page.items);
      if (page.next === null) break;
      cursor = page.next;
    }
    return sites;
  },
});

export const siteQuery = (id: string) =>
  queryOptions({
    queryKey: keys.site(id),
    queryFn: ({ signal }) => ask(api.GET("/api/v1/sites/{site_id}", { params: { path: { site_id: id } }, signal })),
  });

export const siteSummaryQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.sites, id],
    queryFn: ({ signal }) => ask(api.GET("/api/v1/sites/{site_id}/summary", { params: { path: { site_id: id } }, signal })),
  });

export const tokensQuery = (filters: TokenFilters) =>
  infiniteQueryOptions({
    queryKey: [...keys.tokens, filters],
    queryFn: ({ pageParam, signal }) => ask(api.GET("/api/v1/tokens", { params: { query: { limit: PAGE, cursor: pageParam, ...filters } }, signal })),
    initialPageParam: first,
    getNextPageParam: next,
    placeholderData: keepPreviousData,
  });

export const usersQuery = queryOptions({
  queryKey: keys.users,
  queryFn: ({ signal }) => ask(api.GET("/api/v1/users", { params: { query: { limit: 1000 } }, signal })),
});

export const rolesQuery = queryOptions({ queryKey: keys.roles, queryFn: () => ask(api.GET("/api/v1/roles")), select: (page) => page.items, staleTime: Infinity });

export const apiKeysQuery = queryOptions({ queryKey: keys.apiKeys, queryFn: async () => (await ask(api.GET("/api/v1/apikeys", { params: { query: { limit: 1000 } } }))).items });

export type AuditSort = NonNullable<Asked<"/api/v1/audit">["sort"]>;

export const auditQuery = (filters: { actor?: string | undefined; subject?: string | undefined; sort?: AuditSort | undefined }) =>
  infiniteQueryOptions({
    queryKey: [...keys.audit, filters],
    queryFn: ({ pageParam, signal }) =>
      ask(api.GET("/api/v1/audit", { params: { query: { limit: PAGE, cursor: pageParam, ...filters } }, signal })),
    initialPageParam: first,
    getNextPageParam: next,
  });

export const settingsQuery = queryOptions({ queryKey: keys.settings, queryFn: () => ask(api.GET("/api/v1/settings")) });

/** An order for many stations and its lines: read again while any is open, and sooner when an event tells of it. */
export const orderQuery = (order: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.orders, order],
    queryFn: ({ pageParam, signal }) =>
      ask(api.GET("/api/v1/commands/{order_id}", { params: { path: { order_id: order }, query: { limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: first,
    getNextPageParam: next,
    refetchInterval: ({ state: { data } }) => {
      const progress = data?.pages[0]?.progress;
      return progress !== undefined && progress.settled === progress.total ? false : ORDER_READ_MS;
    },
  });
const ORDER_READ_MS = 3_000;
