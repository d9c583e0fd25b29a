import { IconBolt, IconFlag } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { type SessionFilters, type SessionSort, sessionsQuery } from "../../api/queries";
import type { SessionView } from "../../api/schema";
import { useT } from "../../i18n";
import { duration, energy, percent, power } from "../../lib/format";
import { useNow } from "../../lib/now";
import { Ago, Glow, Loaded, Note } from "../../parts/basics";
import { CellLink } from "../../parts/CellLink";
import { type Column, DataTable } from "../../parts/DataTable";
import { State } from "../../parts/states";

export function SessionTable({ filters, short = false, onSort }: { filters: SessionFilters; short?: boolean; onSort?: (sort: SessionSort) => void }) {
  const t = useT();
  const now = useNow();
  const navigate = useNavigate();
  const query = useInfiniteQuery(sessionsQuery(filters));
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query;
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);
  const lasted = (s: SessionView) => duration((s.ended_at ? Date.parse(s.ended_at) : now) - Date.parse(s.started_at), t.language);
  const columns: Column<SessionView>[] = [
    { id: "started", sort: "started_at", head: t("sessions.started"), width: "minmax(130px, 1fr)", cell: (s) => <CellLink to="/sessions/$id" id={s.id}><Ago at={s.started_at} zone={s.zone} /></CellLink> },
    { id: "state", head: t("stations.state"), width: "120px", cell: (s) => <Glow value={s.state}><State state={s.state} pulse={(s.power_w ?? 0) > 0} /></Glow> },
    ...(filters.station && short ? [] : [{ id: "station", sort: "station", head: t("sessions.at"), width: "minmax(130px, 1fr)", cell: (s: SessionView) => <CellLink to="/stations/$id" id={s.station}>{s.station}</CellLink> }]),
    { id: "evse", head: "EVSE", width: "48px", numeric: true, cell: (s) => s.evse },
    { id: "token", head: t("sessions.token"), width: "minmax(140px, 1.3fr)", cell: (s) => <span className="mono">{s.token || "–"}</span> },
    { id: "power", head: t("overview.power"), width: "84px", numeric: true, cell: (s) => (s.state === "active" ? power(s.power_w, t.language) : "") },
    { id: "soc", head: t("sessions.soc"), width: "56px", numeric: true, cell: (s) => (s.soc_pct === null ? "" : percent(s.soc_pct, t.language)) },
    { id: "energy", sort: "energy_wh", head: t("sessions.energy"), width: "92px", numeric: true, cell: (s) => energy(s.energy_wh, t.language) },
    { id: "lasted", head: t("sessions.lasted"), width: "104px", numeric: true, cell: (s) => (s.ended_at === null && Date.parse(s.started_at) > now ? "–" : lasted(s)) },
    { id: "flags", head: <IconFlag size={14} aria-label={t("sessions.flags")} />, width: "44px", cell: (s) => s.flags.length > 0 && <span data-tone="waiting" className="state" title={s.flags.map((flag) => t.word("flag", flag)).join(", ")}><IconFlag size={14} aria-hidden />{s.flags.length}</span> },
  ];
  return (
    <Loaded query={query} rows={12}>
      {() => (
        <DataTable
          short={short} bare={short && filters.site !== undefined} label={t("nav.sessions")} rows={rows} columns={columns} id={(s) => s.id} more={hasNextPage ? more : undefined} cardHeight={76}
          sort={onSort && (filters.sort ?? "-id")} onSort={onSort && ((sort) => onSort(sort as SessionSort))}
          open={(s) => void navigate({ to: "/sessions/$id", params: { id: s.id } })}
          empty={<Note icon={IconBolt} title={t("sessions.none")}>{t("sessions.none_text")}</Note>}
          card={(s) => (
            <Link to="/sessions/$id" params={{ id: s.id }} style={{ display: "block" }}>
              <span className="row"><b>{s.station} · {s.evse}</b><span className="push"><State state={s.state} /></span></span>
              <span className="row soft"><span className="mono cut">{s.token}</span><span className="push"><Ago at={s.started_at} zone={s.zone} /></span></span>
              <span className="row"><span>{energy(s.energy_wh, t.language)}</span><span>{s.state === "active" ? power(s.power_w, t.language) : lasted(s)}</span></span>
            </Link>
          )}
        />
      )}
    </Loaded>
  );
}
