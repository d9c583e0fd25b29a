import { Button, Modal, NativeSelect, SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconChargingPile, IconPlus, IconSearch, IconTerminal2 } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { type StationFilters, type StationSort, stationsQuery } from "../../api/queries";
import type { StationView } from "../../api/schema";
import { type Translate, useT } from "../../i18n";
import { Ago, Glow, Loaded, Note, Page } from "../../parts/basics";
import { CellLink } from "../../parts/CellLink";
import { type Column, DataTable } from "../../parts/DataTable";
import { ExportCsv } from "../../parts/Export";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";
import { AddStation } from "./AddStation";
import { Bulk } from "./Bulk";
import type { Presence, StationsSearch } from "./index";

const route = getRouteApi("/stations");

export function Stations() {
  const t = useT();
  const may = useMay();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/stations" });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [adding, setAdding] = useState(false);
  const columns = useColumns();
  const [bulk, setBulk] = useState(false);
  const filter = (change: Partial<StationsSearch>) => void navigate({ search: { ...search, ...change }, replace: true });
  const connected = search.presence === undefined ? undefined : search.presence === "online";
  const words = search.find ?? "";
  const filters: StationFilters = { connected, site: search.site, q: words || undefined, sort: search.sort };
  const query = useInfiniteQuery(stationsQuery(filters));
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const sites = useMemo(() => [...new Set(rows.map(({ site }) => site).filter(Boolean))].sort(), [rows]);
  const find = useDebouncedCallback((value: string) => filter({ find: value.trim() || undefined }), 200);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query;
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);

  return (
    <Page
      full
      title={t("nav.stations")}
      aside={
        <>
          <ExportCsv path="/api/v1/stations" filters={{ ...filters }} />
          {may("stations.write") && <Button leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>{t("stations.add")}</Button>}
        </>
      }
    >
      <div className="filters">
        <TextInput
          data-filter w={230} leftSection={<IconSearch size={14} aria-hidden />} placeholder={t("stations.filter")} aria-label={t("stations.filter")}
          defaultValue={words} onChange={(event) => find(event.currentTarget.value)}
        />
        <SegmentedControl
          aria-label={t("stations.presence")} value={search.presence ?? ""}
          onChange={(value) => filter({ presence: (value || undefined) as Presence | undefined })}
          data={[{ value: "", label: t("all") }, { value: "online", label: t("state.online") }, { value: "offline", label: t("state.offline") }]}
        />
        <NativeSelect
          size="xs" aria-label={t("stations.site")} value={search.site ?? ""} onChange={(event) => filter({ site: event.currentTarget.value || undefined })}
          data={[{ value: "", label: t("stations.all_sites") }, ...new Set([...sites, ...(search.site ? [search.site] : [])])]}
        />
        {chosen.size > 0 && may("commands.send") && (
          <div className="bulk push">
            <span className="soft">{t("bulk.chosen", { n: chosen.size })}</span>
            <Button variant="default" leftSection={<IconTerminal2 size={15} />} onClick={() => setBulk(true)}>{t("bulk.command")}</Button>
            <Button variant="subtle" color="gray" onClick={() => setChosen(new Set())}>{t("bulk.none")}</Button>
          </div>
        )}
      </div>
      <Loaded query={query} rows={14}>
        {() => (
          <DataTable
            label={t("nav.stations")} rows={rows} columns={columns} id={(station) => station.id} card={(station) => <Card station={station} />}
            more={hasNextPage ? more : undefined} chosen={chosen} choose={setChosen}
            sort={search.sort ?? "id"} onSort={(sort) => filter({ sort: sort === "id" ? undefined : (sort as StationSort) })}
            open={(station) => void navigate({ to: "/stations/$id", params: { id: station.id } })}
            empty={words !== "" || search.presence || search.site ? <Note icon={IconSearch} title={t("table.no_match")} /> : <None add={() => setAdding(true)} />}
          />
        )}
      </Loaded>
      <AddStation opened={adding} close={() => setAdding(false)} sites={sites} />
      <Modal opened={bulk} onClose={() => setBulk(false)} title={t("bulk.title", { n: chosen.size })} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
        <Bulk stations={[...chosen]} />
      </Modal>
    </Page>
  );
}

function None({ add }: { add: () => void }) {
  const t = useT();
  return (
    <Note icon={IconChargingPile} title={t("stations.none")} action={<Button onClick={add}>{t("stations.add")}</Button>}>
      {t("stations.none_text")}
    </Note>
  );
}

function useColumns(): Column<StationView>[] {
  const t = useT();
  // The same columns for every drawing: a row is drawn again only when it changed.
  return useMemo(() => columnsOf(t), [t]);
}

function columnsOf(t: Translate): Column<StationView>[] {
  return [
    {
      id: "id", sort: "id", head: t("stations.identity"), width: "minmax(130px, 1.3fr)",
      cell: (s) => <CellLink to="/stations/$id" id={s.id}>{s.id}</CellLink>,
    },
    { id: "state", sort: "connected", head: t("stations.state"), width: "110px", cell: (s) => <Glow value={s.connected}><State state={s.connected ? "online" : "offline"} /></Glow> },
    { id: "connectors", head: t("stations.connectors"), width: "minmax(190px, 2fr)", cell: (s) => <Plugs station={s} /> },
    { id: "site", sort: "site", head: t("stations.site"), width: "minmax(90px, 1fr)", cell: (s) => s.site || <span className="soft">–</span> },
    { id: "model", sort: "vendor", head: t("stations.model"), width: "minmax(130px, 1.4fr)", cell: (s) => `${s.vendor} ${s.model}`.trim() || <span className="soft">–</span> },
    { id: "firmware", sort: "firmware", head: t("stations.firmware"), width: "90px", cell: (s) => s.firmware || <span className="soft">–</span> },
    { id: "protocol", sort: "protocol", head: t("stations.protocol"), width: "90px", cell: (s) => s.protocol.replace("ocpp", "OCPP ") || <span className="soft">–</span> },
    { id: "seen", sort: "seen_at", head: t("stations.seen"), width: "110px", numeric: true, cell: (s) => <Ago at={s.connected ? (s.seen_at ?? s.connected_at) : (s.disconnected_at ?? s.seen_at)} none={t("never")} zone={s.zone} /> },
  ];
}

/** Each outlet as its icon; the words where there is room. */
function Plugs({ station }: { station: StationView }) {
  const t = useT();
  const outlets = station.connectors.filter(({ evse }) => evse > 0);
  if (outlets.length === 0) return <span className="soft">–</span>;
  return (
    <span className="row" style={{ gap: 12 }}>
      {outlets.map((outlet) => (
        <Glow key={`${outlet.evse} ${outlet.connector}`} value={outlet.state}>
          <State state={outlet.state} label={outlets.length > 2 ? String(outlet.evse) : t.word("state", outlet.state)} />
          {outlets.length > 2 && <span className="sr">{t.word("state", outlet.state)}</span>}
        </Glow>
      ))}
    </span>
  );
}

function Card({ station }: { station: StationView }) {
  return (
    <Link to="/stations/$id" params={{ id: station.id }} style={{ display: "block" }}>
      <span className="row">
        <b>{station.id}</b>
        <span className="push"><State state={station.connected ? "online" : "offline"} /></span>
      </span>
      <span className="soft cut" style={{ display: "block" }}>{[station.site, `${station.vendor} ${station.model}`.trim()].filter(Boolean).join(" · ")}</span>
      <Plugs station={station} />
    </Link>
  );
}
