/** Outlets that stations keep free for somebody: seen, made and given up; the station has the last word. */
import { Autocomplete, Button, Modal, NativeSelect, NumberInput, TextInput } from "@mantine/core";
import { useDebouncedCallback, useDebouncedValue } from "@mantine/hooks";
import { IconCalendarClock, IconCalendarPlus, IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useCallback, useMemo, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { networkReservationsQuery, type ReservationSort } from "../../api/queries";
import type { NetworkReservationView, ReservationState } from "../../api/schema";
import { useT } from "../../i18n";
import { exact } from "../../lib/format";
import { useZone } from "../../lib/zones";
import { Ago, Glow, Loaded, Note, Page, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { ExportCsv } from "../../parts/Export";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";
import { command } from "../stations/CommandDrawer";
import { RESERVATION_STATES } from "./index";

const route = getRouteApi("/reservations");
const HINTS = 8;
const HOUR_MS = 3_600_000;

export function Reservations() {
  const zone = useZone();
  const t = useT();
  const may = useMay();
  const client = useQueryClient();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/reservations" });
  const [making, setMaking] = useState(false);
  const filters = { state: search.state, q: search.find, sort: search.sort };
  const query = useInfiniteQuery(networkReservationsQuery(filters));
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query;
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);
  const cancel = useMutation({
    mutationFn: async (one: NetworkReservationView) => ({ one, ...(await command(one.station, { command: "cancel_reservation", reservation: one.reservation })) }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.reservationLists }),
  });
  const find = useDebouncedCallback((value: string) => void navigate({ search: { ...search, find: value.trim() || undefined }, replace: true }), 250);
  const act = (r: NetworkReservationView) => r.state === "made" && may("commands.send") && <Button variant="default" size="compact-xs" loading={cancel.isPending && cancel.variables === r} onClick={() => cancel.mutate(r)}>{t("reservations.cancel")}</Button>;
  const columns: Column<NetworkReservationView>[] = [
    { id: "state", sort: "state", head: t("stations.state"), width: "130px", cell: (r) => <Glow value={r.state}><State state={r.state} group="reservation" /></Glow> },
    { id: "station", sort: "station", head: t("sessions.at"), width: "minmax(130px, 1fr)", cell: (r) => <Link to="/stations/$id" params={{ id: r.station }} className="cell-link">{r.station}</Link> },
    { id: "evse", head: "EVSE", width: "60px", numeric: true, cell: (r) => (r.evse === 0 ? t("reservations.any") : r.evse) },
    { id: "token", sort: "token", head: t("sessions.token"), width: "minmax(140px, 1.3fr)", cell: (r) => <span className="mono">{r.token || "–"}</span> },
    { id: "made", sort: "made_at", head: t("reservations.made"), width: "120px", numeric: true, cell: (r) => <Ago at={r.made_at} /> },
    { id: "until", sort: "expires_at", head: t("reservations.until"), width: "minmax(170px, 1fr)", cell: (r) => (r.expires_at ? exact(r.expires_at, t.language, zone) : "–") },
    { id: "session", head: t("reservations.session"), width: "100px", cell: (r) => r.session && <Link to="/sessions/$id" params={{ id: r.session }} className="link">{t("reservations.open")}</Link> },
    { id: "act", head: <span className="sr">{t("actions")}</span>, width: "100px", numeric: true, cell: act },
  ];
  return (
    <Page
      full title={t("nav.reservations")}
      aside={<><ExportCsv path="/api/v1/reservations" filters={filters} />{may("commands.send") && <Button leftSection={<IconCalendarPlus size={15} />} onClick={() => setMaking(true)}>{t("reservations.add")}</Button>}</>}
    >
      <div className="filters">
        <TextInput data-filter w={230} leftSection={<IconSearch size={14} aria-hidden />} placeholder={t("reservations.search")} aria-label={t("reservations.search")} defaultValue={search.find ?? ""} onChange={(event) => find(event.currentTarget.value)} />
        <NativeSelect
          size="xs" aria-label={t("stations.state")} value={search.state ?? ""}
          onChange={(event) => void navigate({ search: { ...search, state: (event.currentTarget.value || undefined) as ReservationState | undefined }, replace: true })}
          data={[{ value: "", label: t("all") }, ...RESERVATION_STATES.map((value) => ({ value, label: t.word("reservation", value) }))]}
        />
      </div>
      <div aria-live="polite" className="live">
        {cancel.data && <div className="answer" data-tone={cancel.data.answer.outcome === "accepted" ? "available" : "waiting"}>{cancel.data.one.station}: {cancel.data.answer.status || t.word("outcome", cancel.data.answer.outcome)} {cancel.data.answer.reason}</div>}
        <Refused error={cancel.error} />
      </div>
      <Loaded query={query} rows={10}>
        {() => (
          <DataTable
            label={t("nav.reservations")} rows={rows} columns={columns} id={(r) => `${r.station} ${r.reservation} ${r.made_at}`} more={hasNextPage ? more : undefined} cardHeight={92}
            sort={search.sort ?? "-made_at"} onSort={(sort) => void navigate({ search: { ...search, sort: sort as ReservationSort }, replace: true })}
            empty={<Note icon={IconCalendarClock} title={search.state || search.find ? t("table.no_match") : t("reservations.none")}>{!search.state && !search.find && t("reservations.none_text")}</Note>}
            card={(r) => (
              <>
                <span className="row"><Link to="/stations/$id" params={{ id: r.station }}><b>{r.station}</b></Link><span className="push"><State state={r.state} group="reservation" /></span></span>
                <span className="mono cut" style={{ display: "block" }}>{r.token || "–"}</span>
                <span className="row soft"><span>{r.expires_at ? exact(r.expires_at, t.language, zone) : "–"}</span><span className="push">{act(r)}</span></span>
              </>
            )}
          />
        )}
      </Loaded>
      <Modal opened={making} onClose={() => setMaking(false)} title={t("reservations.add")} closeButtonProps={{ "aria-label": t("close") }}>
        {making && <Reserve />}
      </Modal>
    </Page>
  );
}

function local(at: number): string {
  const moment = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return moment.toISOString().slice(0, 16);
}

function Reserve() {
  const t = useT();
  const client = useQueryClient();
  const [station, setStation] = useState("");
  const [token, setToken] = useState("");
  const [evse, setEvse] = useState<number | string>("");
  const [until, setUntil] = useState(() => local(Date.now() + HOUR_MS));
  const [stationWords] = useDebouncedValue(station, 200);
  const [tokenWords] = useDebouncedValue(token, 200);
  const stations = useQuery({ queryKey: ["search", "stations", stationWords], queryFn: () => ask(api.GET("/api/v1/stations", { params: { query: { limit: HINTS, q: stationWords } } })), placeholderData: keepPreviousData });
  const tokens = useQuery({ queryKey: ["search", "tokens", tokenWords], queryFn: () => ask(api.GET("/api/v1/tokens", { params: { query: { limit: HINTS, q: tokenWords } } })), placeholderData: keepPreviousData });
  const reserve = useMutation({
    mutationFn: () => command(station.trim(), { command: "reserve", token: token.trim(), expires_at: new Date(until).toISOString(), ...(typeof evse === "number" && evse > 0 && { evse }) }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.reservationLists }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    reserve.mutate();
  };
  const answer = reserve.data?.answer;
  return (
    <form className="stack" onSubmit={submit}>
      <Autocomplete label={t("sessions.at")} required data-autofocus value={station} onChange={setStation} data={stations.data?.items.map(({ id }) => id) ?? []} filter={({ options }) => options} />
      <NumberInput label="EVSE" description={t("reservations.evse_text")} min={1} max={10_000} allowDecimal={false} value={evse} onChange={setEvse} />
      <Autocomplete label={t("sessions.token")} required value={token} onChange={setToken} data={tokens.data?.items.map(({ uid }) => uid) ?? []} filter={({ options }) => options} />
      <TextInput label={t("reservations.until")} type="datetime-local" required value={until} onChange={(event) => setUntil(event.currentTarget.value)} />
      <div className="row"><Button type="submit" loading={reserve.isPending}>{t("reservations.add")}</Button></div>
      <div aria-live="polite">
        {answer && <div className="answer" data-testid="answer" data-tone={answer.outcome === "accepted" ? "available" : "waiting"}>{t("session.stop_answer", { status: answer.status || t.word("outcome", answer.outcome) })} {answer.reason}</div>}
        <Refused error={reserve.error} />
      </div>
    </form>
  );
}
