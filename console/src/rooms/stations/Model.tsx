/** The device model: every variable, how it shall be, and how it is; edited in place by a command. */
import { ActionIcon, Button, Modal, NativeSelect, SegmentedControl, TextInput } from "@mantine/core";
import { IconCpu, IconPencil, IconSearch } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { driftQuery, variablesQuery } from "../../api/queries";
import type { DriftView, StationView, VariableView } from "../../api/schema";
import { useT } from "../../i18n";
import { Ago, Loaded, Note, Panel, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";
import { command } from "./CommandDrawer";

export function Model({ station }: { station: StationView }) {
  const t = useT();
  const may = useMay();
  const [words, setWords] = useState("");
  const [only, setOnly] = useState("");
  const [editing, setEditing] = useState<VariableView | null>(null);
  const variables = useQuery(variablesQuery(station.id));
  const drift = useQuery(driftQuery(station.id));
  const rows = useMemo(
    () =>
      (variables.data?.items ?? []).filter(
        (one) =>
          (only === "" || writable(one)) &&
          `${one.component} ${one.variable} ${one.variable_instance} ${one.key ?? ""} ${one.value ?? ""}`.toLowerCase().includes(words.toLowerCase()),
      ),
    [variables.data, words, only],
  );
  const columns: Column<VariableView>[] = [
    { id: "component", head: t("model.component"), width: "minmax(110px, 1fr)", cell: (v) => placeOf(v) || <span className="soft">–</span> },
    { id: "variable", head: t("model.variable"), width: "minmax(150px, 1.5fr)", cell: (v) => <b style={{ fontWeight: 500 }} title={v.key ?? ""}>{v.variable}{v.variable_instance && ` [${v.variable_instance}]`}{v.attribute !== "Actual" && ` · ${v.attribute}`}</b> },
    { id: "value", head: t("model.value"), width: "minmax(120px, 1.6fr)", cell: (v) => <span className="mono" title={v.value ?? ""}>{v.value ?? "–"} <span className="soft">{v.unit}</span></span> },
    { id: "type", head: t("model.type"), width: "110px", cell: (v) => <span className="soft">{v.data_type}</span> },
    { id: "at", head: t("model.reported"), width: "110px", numeric: true, cell: (v) => <Ago at={v.reported_at} /> },
    {
      id: "edit", head: <span className="sr">{t("model.edit")}</span>, width: "28px",
      cell: (v) => writable(v) && may("commands.send") && <ActionIcon size="sm" aria-label={`${t("model.edit")}: ${v.variable}`} onClick={() => setEditing(v)}><IconPencil size={14} /></ActionIcon>,
    },
  ];
  return (
    <>
      <Drift drift={drift.data} station={station.id} />
      <div className="filters">
        <TextInput data-filter w={230} leftSection={<IconSearch size={14} aria-hidden />} placeholder={t("model.filter")} aria-label={t("model.filter")} value={words} onChange={(event) => setWords(event.currentTarget.value)} />
        <SegmentedControl aria-label={t("model.only")} value={only} onChange={setOnly} data={[{ value: "", label: t("all") }, { value: "w", label: t("model.writable") }]} />
      </div>
      <Loaded query={variables}>
        {() => (
          <div className="tall">
            <DataTable
              label={t("tab.model")} rows={rows} columns={columns} id={nameOf} cardHeight={70}
              card={(v) => <><b>{v.variable}</b> <span className="soft">{placeOf(v)}</span><div className="mono cut">{v.value ?? "–"} {v.unit}</div></>}
              empty={words || only ? <Note icon={IconSearch} title={t("table.no_match")} /> : <Note icon={IconCpu} title={t("model.none")}>{t("model.none_text")}</Note>}
            />
          </div>
        )}
      </Loaded>
      <Modal opened={editing !== null} onClose={() => setEditing(null)} title={editing?.variable} closeButtonProps={{ "aria-label": t("close") }}>
        {editing && <Edit station={station.id} variable={editing} />}
      </Modal>
    </>
  );
}

function writable(variable: VariableView): boolean {
  return variable.mutability !== "ReadOnly" && !variable.constant && variable.gone_at === null;
}

function placeOf(v: VariableView): string {
  const where = v.evse > 0 ? ` ${v.evse}${v.connector > 0 ? `/${v.connector}` : ""}` : "";
  return `${v.component}${v.component_instance && ` [${v.component_instance}]`}${where}`;
}

function nameOf(v: VariableView): string {
  return [v.component, v.component_instance, v.evse, v.connector, v.variable, v.variable_instance, v.attribute].join("/");
}

function Edit({ station, variable }: { station: string; variable: VariableView }) {
  const t = useT();
  const client = useQueryClient();
  const [value, setValue] = useState(variable.value ?? "");
  const choices = variable.values_list === "" ? [] : variable.values_list.split(",").map((one) => one.trim());
  const single = variable.data_type === "OptionList" && choices.length > 0;
  const save = useMutation({
    mutationFn: () =>
      command(station, {
        command: "set_variables",
        variables: [
          {
            variable: variable.key ?? variable.variable, value, component: variable.key ? "" : variable.component, attribute: variable.attribute,
            ...(variable.evse > 0 && { evse: variable.evse }), ...(variable.connector > 0 && { connector: variable.connector }),
            ...(variable.variable_instance && { instance: variable.variable_instance }), ...(variable.component_instance && { component_instance: variable.component_instance }),
          },
        ],
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.variables(station) }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const result = save.data?.answer;
  return (
    <form className="stack" onSubmit={submit}>
      {single ? (
        <NativeSelect label={t("model.value")} data={choices} value={value} onChange={(event) => setValue(event.currentTarget.value)} />
      ) : (
        <TextInput label={t("model.value")} description={hint(variable)} rightSection={variable.unit} rightSectionWidth={variable.unit ? 60 : 0} value={value} data-autofocus onChange={(event) => setValue(event.currentTarget.value)} />
      )}
      <div className="row"><Button type="submit" loading={save.isPending}>{t("model.set")}</Button></div>
      <div aria-live="polite">
        {result && (
          <div className="answer" data-tone={result.outcome === "accepted" ? "available" : "waiting"}>
            {(result.variables ?? []).map((one) => one.status).join(", ") || result.status} {result.reason}
          </div>
        )}
        <Refused error={save.error} />
      </div>
    </form>
  );
}

function hint(variable: VariableView): string {
  const limits = [variable.min_limit !== null && `≥ ${variable.min_limit}`, variable.max_limit !== null && `≤ ${variable.max_limit}`, variable.values_list];
  return [variable.data_type, ...limits].filter(Boolean).join(" · ");
}

/** Where the station is not as its templates want it. */
function Drift({ drift, station }: { drift: DriftView | undefined; station: string }) {
  const t = useT();
  const may = useMay();
  const client = useQueryClient();
  const apply = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/stations/{station_id}/apply", { params: { path: { station_id: station } }, body: { dry_run: false } })),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.drift(station) });
      void client.invalidateQueries({ queryKey: keys.variables(station) });
    },
  });
  const off = drift?.lines.filter(({ step }) => step !== "already") ?? [];
  if (drift === undefined || drift.state === "unmanaged" || drift.state === "unknown") return null;
  return (
    <Panel title={<span className="row">{t("drift.title")} <State state={drift.state} group="drift" /></span>} aside={off.length > 0 && may("stations.write") && <Button loading={apply.isPending} onClick={() => apply.mutate()}>{t("drift.apply")}</Button>}>
      {off.length === 0 ? (
        <p className="soft">{t("drift.none")}</p>
      ) : (
        <dl className="facts">
          {off.map((line) => (
            <div key={`${line.template} ${line.wanted.component} ${line.wanted.variable}`} style={{ display: "contents" }}>
              <dt>{line.wanted.component} {line.wanted.variable}</dt>
              <dd><code>{line.found ?? "–"}</code> → <code>{line.wanted.value}</code> <span className="soft">{line.because} · {line.template}</span></dd>
            </div>
          ))}
        </dl>
      )}
      <Refused error={apply.error} />
    </Panel>
  );
}
