import { Button, NativeSelect, Switch, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import type { Admission, StationView } from "../../api/schema";
import { useT } from "../../i18n";
import { Ago, Panel, Refused } from "../../parts/basics";
import { useMay } from "../../shell/session";

export function Facts({ station }: { station: StationView }) {
  const t = useT();
  const may = useMay();
  const facts: [string, ReactNode][] = [
    [t("facts.vendor"), station.vendor], [t("stations.model"), station.model], [t("facts.serial"), station.serial],
    [t("stations.firmware"), station.firmware], [t("stations.protocol"), station.protocol], ["ICCID", station.iccid], ["IMSI", station.imsi],
    [t("facts.booted"), <Ago key="b" at={station.booted_at} />], [t("facts.reason"), station.boot_reason],
    [t("facts.connected"), <Ago key="c" at={station.connected_at} />], [t("facts.disconnected"), <Ago key="d" at={station.disconnected_at} />],
    [t("stations.seen"), <Ago key="s" at={station.seen_at} />], [t("facts.created"), <Ago key="n" at={station.created_at} />],
  ];
  return (
    <div className="split">
      <Panel title={t("tab.facts")}>
        <dl className="facts">
          {facts.map(([name, value]) => (
            <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value || <span className="soft">–</span>}</dd></div>
          ))}
        </dl>
      </Panel>
      {may("stations.write") && <Panel title={t("facts.settings")}><Change station={station} /></Panel>}
    </div>
  );
}

function Change({ station }: { station: StationView }) {
  const t = useT();
  const client = useQueryClient();
  const [site, setSite] = useState(station.site);
  const [admission, setAdmission] = useState<Admission>(station.admission);
  const [logAll, setLogAll] = useState(station.log_all);
  const save = useMutation({
    mutationFn: () => ask(api.PATCH("/api/v1/stations/{station_id}", { params: { path: { station_id: station.id } }, body: { site, admission, log_all: logAll } })),
    onSuccess: (changed) => {
      client.setQueryData(keys.station(station.id), changed);
      void client.invalidateQueries({ queryKey: keys.stationLists });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <TextInput label={t("stations.site")} value={site} onChange={(event) => setSite(event.currentTarget.value)} />
      <NativeSelect
        label={t("facts.admission")} value={admission} onChange={(event) => setAdmission(event.currentTarget.value as Admission)}
        data={(["accepted", "pending", "blocked"] as const).map((one) => ({ value: one, label: t.word("admission", one) }))}
      />
      <Switch label={t("facts.log_all")} description={t("facts.log_all_text")} checked={logAll} onChange={(event) => setLogAll(event.currentTarget.checked)} />
      <Refused error={save.error} />
      <div className="row"><Button type="submit" loading={save.isPending}>{t("save")}</Button>{save.isSuccess && <span className="soft" role="status">{t("saved")}</span>}</div>
    </form>
  );
}
