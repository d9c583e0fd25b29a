/** One command to many stations: progress for each, and it can be stopped. */
import { Button, NativeSelect, Progress } from "@mantine/core";
import { useMemo, useRef, useState } from "react";
import { useT } from "../../i18n";
import { wording } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { type Tone, State } from "../../parts/states";
import { command } from "./CommandDrawer";
import { CommandFields } from "./CommandFields";
import { bodyOf, formOf } from "./commands";

const OFFERED = ["reset", "availability", "trigger", "clear_cache", "get_report", "set_limit", "unlock", "get_log", "update_firmware"];
/** How many stations are asked at once: they answer in seconds, and the platform has others to serve. */
const AT_ONCE = 8;

interface Line {
  station: string;
  state: "waiting" | "asked" | "done" | "refused";
  tone: Tone;
  text: string;
}

export function Bulk({ stations }: { stations: readonly string[] }) {
  const t = useT();
  const [name, setName] = useState("trigger");
  const form = useMemo(() => formOf(name), [name]);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({ message: "status" });
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [running, setRunning] = useState(false);
  const stopped = useRef(false);

  const run = async () => {
    stopped.current = false;
    setRunning(true);
    const body = bodyOf(form, values);
    const board = new Map(stations.map((station): [string, Line] => [station, { station, state: "waiting", tone: "idle", text: "" }]));
    const tell = (line: Line) => {
      board.set(line.station, line);
      setLines([...board.values()]);
    };
    const queue = [...stations];
    const worker = async () => {
      for (let station = queue.shift(); station !== undefined && !stopped.current; station = queue.shift()) {
        tell({ station, state: "asked", tone: "waiting", text: "…" });
        try {
          const { answer, tookMs } = await command(station, body);
          const good = answer.outcome === "accepted" || answer.outcome === "scheduled";
          tell({ station, state: "done", tone: good ? "available" : "faulted", text: t("command.answered", { status: answer.status || answer.outcome, ms: Math.round(tookMs) }) });
        } catch (error) {
          tell({ station, state: "refused", tone: "faulted", text: wording(error, t) });
        }
      }
    };
    setLines([...board.values()]);
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    setRunning(false);
  };

  const done = lines.filter((line) => line.state === "done" || line.state === "refused").length;
  const columns: Column<Line>[] = [
    { id: "station", head: t("stations.identity"), width: "minmax(110px, 1fr)", cell: (line) => line.station },
    { id: "text", head: t("bulk.answer"), width: "minmax(0, 2fr)", cell: (line) => <span data-tone={line.tone} style={{ color: "var(--tone)" }}>{line.text || t("bulk.waiting")}</span> },
  ];
  return (
    <div className="stack">
      <NativeSelect
        label={t("command.which")} value={name} disabled={running} data={OFFERED.map((one) => ({ value: one, label: t.word("command", one) }))}
        onChange={(event) => {
          setName(event.currentTarget.value);
          setValues({});
        }}
      />
      <CommandFields form={form} values={values} change={(field, value) => setValues((before) => ({ ...before, [field]: value }))} />
      <div className="row">
        <Button onClick={() => void run()} loading={running}>{t("bulk.send", { n: stations.length })}</Button>
        {running && <Button variant="default" onClick={() => { stopped.current = true; }}>{t("bulk.stop")}</Button>}
        {lines.length > 0 && <State state={running ? "active" : "ended"} label={t("bulk.progress", { done, of: lines.length })} />}
      </div>
      {lines.length > 0 && (
        <>
          <Progress value={(100 * done) / lines.length} aria-label={t("bulk.progress", { done, of: lines.length })} />
          <DataTable short label={t("bulk.answer")} rows={lines} columns={columns} id={(line) => line.station} card={(line) => <span>{line.station}<br />{line.text}</span>} cardHeight={60} empty={null} />
        </>
      )}
    </div>
  );
}
