/** What somebody should look at, in the whole network: the newest first, until it is over. */
import { Button, NativeSelect, SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconBellOff, IconEye, IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { type AlarmSort, networkAlarmsQuery } from "../../api/queries";
import type { NetworkAlarmView } from "../../api/schema";
import { useT } from "../../i18n";
import { duration } from "../../lib/format";
import { useNow } from "../../lib/now";
import { Ago, Glow, Loaded, Note, Page, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { ExportCsv } from "../../parts/Export";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";

const route = getRouteApi("/alarms");
const WORSE = [3, 5, 7] as const;
const nameOf = (a: NetworkAlarmView) => `${a.station} ${a.source} ${a.key} ${a.raised_at}`;

export function Alarms() {
  const t = useT();
  const may = useMay();
  const now = useNow();
  const client = useQueryClient();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/alarms" });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const state = search.state ?? "open";
  const filters = { state: state === "all" ? undefined : state, severity_max: search.worse, q: search.find, sort: search.sort };
  const query = useInfiniteQuery(networkAlarmsQuery(filters));
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query;
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);
  const acknowledge = useMutation({
    mutationFn: (some: readonly NetworkAlarmView[]) =>
      ask(api.POST("/api/v1/alarms/acknowledgements", { body: { alarms: some.map(({ station, source, key }) => ({ station, source, key })) } })),
    onSuccess: () => setChosen(new Set()),
    onSettled: () => client.invalidateQueries({ queryKey: keys.alarmLists }),
  });
  const open = rows.filter((one) => chosen.has(nameOf(one)) && one.state === "open");
  const find = useDebouncedCallback((value: string) => void navigate({ search: { ...search, find: value.trim() || undefined }, replace: true }), 250);
  const mayAnswer = may("stations.write");
  const age = (a: NetworkAlarmView) => duration(Math.max(0, (a.cleared_at ? Date.parse(a.cleared_at) : now) - Date.parse(a.raised_at)), t.language);
  const columns: Column<NetworkAlarmView>[] = [
    { id: "state", head: t("stations.state"), width: "100px", cell: (a) => <Glow value={a.state}><State state={a.state} group="alarm" /></Glow> },
    { id: "severity", sort: "severity", head: t("alarms.severity"), width: "84px", cell: (a) => <span title={String(a.severity)}>{t.word("severity", String(a.severity))}</span> },
    { id: "station", sort: "station", head: t("sessions.at"), width: "minmax(90px, 1fr)", cell: (a) => <Link to="/stations/$id" params={{ id: a.station }} search={{ tab: "alarms" }} className="cell-link">{a.station}</Link> },
    { id: "text", head: t("alarms.what"), width: "minmax(140px, 3fr)", cell: (a) => <span title={`${a.key} ${a.text}`}>{a.text || a.key}</span> },
    { id: "source", sort: "source", head: t("alarms.source"), width: "80px", cell: (a) => t.word("source", a.source) },
    { id: "raised", sort: "raised_at", head: t("alarms.raised"), width: "110px", numeric: true, cell: (a) => <Ago at={a.raised_at} /> },
    { id: "age", head: t("alarms.age"), width: "76px", numeric: true, cell: age },
    { id: "by", sort: "acknowledged_at", head: t("alarms.seen_by"), width: "minmax(80px, 1fr)", cell: (a) => (a.acknowledged_at ? <span title={a.acknowledged_by}><Ago at={a.acknowledged_at} /></span> : <span className="soft">–</span>) },
    {
      id: "act", head: <span className="sr">{t("actions")}</span>, width: "128px", numeric: true,
      cell: (a) => a.state === "open" && mayAnswer && <Button variant="default" size="compact-xs" onClick={() => acknowledge.mutate([a])}>{t("alarms.acknowledge")}</Button>,
    },
  ];
  return (
    <Page full title={t("nav.alarms")} aside={<ExportCsv path="/api/v1/alarms" filters={filters} />}>
      <div className="filters">
        <TextInput data-filter w={230} leftSection={<IconSearch size={14} aria-hidden />} placeholder={t("alarms.search")} aria-label={t("alarms.search")} defaultValue={search.find ?? ""} onChange={(event) => find(event.currentTarget.value)} />
        <SegmentedControl
          aria-label={t("stations.state")} value={state}
          onChange={(value) => void navigate({ search: { ...search, state: value === "open" ? undefined : (value as typeof state) }, replace: true })}
          data={(["open", "acknowledged", "cleared", "all"] as const).map((value) => ({ value, label: value === "all" ? t("all") : t(`alarm.${value}`) }))}
        />
        <NativeSelect
          size="xs" aria-label={t("alarms.severity")} value={search.worse ?? ""}
          onChange={(event) => void navigate({ search: { ...search, worse: event.currentTarget.value === "" ? undefined : Number(event.currentTarget.value) }, replace: true })}
          data={[{ value: "", label: t("alarms.all_severities") }, ...WORSE.map((value) => ({ value: String(value), label: t("alarms.worse", { severity: t.word("severity", String(value)) }) }))]}
        />
        {open.length > 0 && mayAnswer && <Button leftSection={<IconEye size={14} />} loading={acknowledge.isPending} onClick={() => acknowledge.mutate(open)}>{t("alarms.acknowledge_n", { n: open.length })}</Button>}
      </div>
      <Refused error={acknowledge.error} />
      <Loaded query={query} rows={10}>
        {() => (
          <DataTable
            label={t("nav.alarms")} rows={rows} columns={columns} id={nameOf} more={hasNextPage ? more : undefined} cardHeight={96} chosen={chosen} choose={setChosen}
            sort={search.sort ?? "-raised_at"} onSort={(sort) => void navigate({ search: { ...search, sort: sort as AlarmSort }, replace: true })}
            open={(a) => void navigate({ to: "/stations/$id", params: { id: a.station }, search: { tab: "alarms" } })}
            empty={<Note icon={IconBellOff} title={state === "open" && !search.find ? t("alarms.none_open") : t("table.no_match")}>{state === "open" && !search.find && t("alarms.none_open_text")}</Note>}
            card={(a) => (
              <>
                <span className="row"><Link to="/stations/$id" params={{ id: a.station }} search={{ tab: "alarms" }}><b>{a.station}</b></Link><span className="push"><State state={a.state} group="alarm" /></span></span>
                <span className="cut" style={{ display: "block" }}>{a.text || a.key}</span>
                <span className="row soft"><span>{t.word("severity", String(a.severity))} · <Ago at={a.raised_at} /></span>{a.state === "open" && mayAnswer && <Button className="push" variant="default" size="compact-sm" onClick={() => acknowledge.mutate([a])}>{t("alarms.acknowledge")}</Button>}</span>
              </>
            )}
          />
        )}
      </Loaded>
    </Page>
  );
}
