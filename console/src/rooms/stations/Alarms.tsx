import { Button } from "@mantine/core";
import { IconBellOff } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { alarmsQuery } from "../../api/queries";
import type { AlarmView } from "../../api/schema";
import { useT } from "../../i18n";
import { Ago, Loaded, Note, Panel, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";

export function Alarms({ station }: { station: string }) {
  const t = useT();
  const may = useMay();
  const client = useQueryClient();
  const alarms = useQuery(alarmsQuery(station));
  const acknowledge = useMutation({
    mutationFn: ({ source, key }: AlarmView) =>
      ask(api.POST("/api/v1/stations/{station_id}/alarms/acknowledgements", { params: { path: { station_id: station } }, body: { source, key } })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.alarms(station) }),
  });
  const columns: Column<AlarmView>[] = [
    { id: "state", head: t("stations.state"), width: "110px", cell: (a) => <State state={a.cleared_at ? "ended" : a.acknowledged_at ? "pending" : "faulted"} label={a.cleared_at ? t("alarms.over") : a.acknowledged_at ? t("alarms.seen") : t("alarms.up")} /> },
    { id: "severity", head: t("alarms.severity"), width: "70px", numeric: true, cell: (a) => a.severity },
    { id: "text", head: t("alarms.what"), width: "minmax(180px, 3fr)", cell: (a) => <span title={a.text}>{a.text || a.key}</span> },
    { id: "source", head: t("alarms.source"), width: "110px", cell: (a) => t.word("source", a.source) },
    { id: "raised", head: t("alarms.raised"), width: "120px", numeric: true, cell: (a) => <Ago at={a.raised_at} /> },
    { id: "act", head: "", width: "110px", numeric: true, cell: (a) => !a.cleared_at && !a.acknowledged_at && may("stations.write") && <Button variant="default" size="compact-xs" onClick={() => acknowledge.mutate(a)}>{t("alarms.acknowledge")}</Button> },
  ];
  return (
    <Loaded query={alarms}>
      {({ items }) =>
        items.length === 0 ? (
          <Panel><Note icon={IconBellOff} title={t("alarms.none")}>{t("alarms.none_text")}</Note></Panel>
        ) : (
          <>
            <Refused error={acknowledge.error} />
            <DataTable short label={t("tab.alarms")} rows={items} columns={columns} id={(a) => `${a.source} ${a.key} ${a.raised_at}`} empty={null} card={(a) => <><b>{a.text || a.key}</b><br /><Ago at={a.raised_at} /></>} />
          </>
        )
      }
    </Loaded>
  );
}
