/** Choose, fill, send; the station's answer appears in place, with the time it took. */
import { Button, Checkbox, Drawer, JsonInput, Select, Switch } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconClock, IconX } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import type { Answer, MessageView, StationView } from "../../api/schema";
import { useT } from "../../i18n";
import { clock } from "../../lib/format";
import { useZone } from "../../lib/zones";
import { Refused } from "../../parts/basics";
import type { Tone } from "../../parts/states";
import { CommandFields } from "./CommandFields";
import { bodyOf, commandNames, DISRUPTIVE, formOf, templateOf } from "./commands";
import { ours } from "./exchange";
import { pretty, Way } from "./Messages";
import { useWatch } from "./watch";

interface Props {
  station: StationView;
  command: string | undefined;
  choose: (command: string | undefined) => void;
  /** How many sessions run there. */
  running: number;
}

export function CommandDrawer({ station, command, choose, running }: Props) {
  const t = useT();
  return (
    <Drawer
      opened={command !== undefined} onClose={() => choose(undefined)} position="right" size={440}
      title={<b>{t("command.title", { station: station.id })}</b>} closeButtonProps={{ "aria-label": t("close") }}
    >
      {command !== undefined && <Form station={station} command={command} choose={choose} running={running} />}
    </Drawer>
  );
}

interface Answered {
  answer: Answer;
  tookMs: number;
}

export async function command(station: string, body: Record<string, unknown>): Promise<Answered> {
  const begun = performance.now();
  const answer = await ask(
    // The body was built from the document's own schema, or written by hand; the platform checks it.
    api.POST("/api/v1/stations/{station_id}/commands", { params: { path: { station_id: station } }, body: body as never }),
  );
  return { answer, tookMs: performance.now() - begun };
}

function Form({ station, command: name, choose, running }: Required<Pick<Props, "station" | "choose" | "running">> & { command: string }) {
  const t = useT();
  const client = useQueryClient();
  const form = useMemo(() => formOf(name), [name]);
  const names = useMemo(commandNames, []);
  const passed = useWatch(station.id, true);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [asJson, setAsJson] = useState(!form.simple);
  const [json, setJson] = useState("");
  const [confirmed, setConfirmed] = useState(false);
  const send = useMutation({
    mutationFn: (body: Record<string, unknown>) => command(station.id, body),
    onSettled: () => void client.invalidateQueries({ queryKey: keys.messages(station.id) }),
  });
  const { reset } = send;
  useEffect(() => {
    setValues({});
    setAsJson(!form.simple);
    setJson(templateOf(form, {}));
    setConfirmed(false);
    reset();
  }, [form, reset]);

  const written = asJson ? parsed(json) : bodyOf(form, values);
  const risky = DISRUPTIVE.has(name) && running > 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (written !== null) send.mutate(written);
  };
  const toJson = (on: boolean) => {
    if (on) setJson(templateOf(form, values));
    setAsJson(on);
  };

  return (
    <form className="stack" onSubmit={submit}>
      <Select
        label={t("command.which")} searchable allowDeselect={false} value={name} onChange={(next) => choose(next ?? undefined)} maxDropdownHeight={360}
        data={names.map((one) => ({ value: one, label: t.word("command", one) }))} nothingFoundMessage={t("palette.none")}
      />
      {!station.connected && (
        <div className="banner" data-tone="waiting">
          <IconAlertTriangle size={16} aria-hidden />
          <span>{t("command.offline")}</span>
        </div>
      )}
      {asJson ? (
        <JsonInput label={t("command.json")} autosize minRows={8} maxRows={24} formatOnBlur spellCheck={false} validationError={t("command.json_bad")} value={json} onChange={setJson} ff="monospace" />
      ) : (
        <CommandFields form={form} values={values} change={(field, value) => setValues((before) => ({ ...before, [field]: value }))} />
      )}
      {!asJson && form.beyond.length > 0 && <p className="soft">{t("command.beyond", { parts: form.beyond.join(", ") })}</p>}
      {form.simple && <Switch label={t("command.as_json")} checked={asJson} onChange={(event) => toJson(event.currentTarget.checked)} />}
      {risky && <Checkbox label={t("command.confirm", { n: running })} checked={confirmed} onChange={(event) => setConfirmed(event.currentTarget.checked)} />}
      <div className="row">
        <Button type="submit" color={DISRUPTIVE.has(name) ? "red.9" : undefined} loading={send.isPending} disabled={written === null || (risky && !confirmed)}>
          {t("command.send")}
        </Button>
      </div>
      <div aria-live="polite">
        {send.data && <Answer {...send.data} />}
        {send.data && <Exchange messages={ours(passed)} />}
        <Refused error={send.error} />
      </div>
    </form>
  );
}

function parsed(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null; // Somebody is still writing it; the button waits.
  }
}

/** What was said on the wire for it, one click away. */
function Exchange({ messages }: { messages: readonly MessageView[] }) {
  const t = useT();
  const zone = useZone();
  if (messages.length === 0) return null;
  return (
    <details className="exchange" data-testid="exchange">
      <summary>{t("command.exchange", { n: messages.length })}</summary>
      {messages.map((message) => (
        <div key={`${message.at} ${message.direction} ${message.frame}`} className="stack tight">
          <span className="row soft"><Way message={message} /><b>{message.action}</b><span className="push">{clock(message.at, t.language, zone)}</span></span>
          <pre className="json" tabIndex={0}>{message.frame === "" ? message.note : pretty(message.frame)}</pre>
        </div>
      ))}
    </details>
  );
}

const TONES: Readonly<Record<string, Tone>> = { accepted: "available", scheduled: "available", nothing: "idle", rejected: "faulted", unsupported: "waiting", failed: "faulted", timeout: "waiting", disconnected: "waiting" };

function Answer({ answer, tookMs }: Answered) {
  const t = useT();
  const tone = TONES[answer.outcome] ?? "idle";
  const Shape = tone === "available" ? IconCircleCheck : tone === "faulted" ? IconX : IconClock;
  const rest = answer.details ?? (answer.variables?.length ? answer.variables : answer.data);
  return (
    <div className="answer stack tight" data-tone={tone} data-testid="answer">
      <span className="state"><Shape size={16} aria-hidden />{t("command.answered", { status: answer.status || t.word("outcome", answer.outcome), ms: Math.round(tookMs) })}</span>
      {answer.reason && <p>{answer.reason}</p>}
      {typeof answer.request_id === "number" && <p className="soft">{t("command.request", { id: answer.request_id })}</p>}
      {rest && <pre className="json">{typeof rest === "string" ? rest : JSON.stringify(rest, null, 2)}</pre>}
    </div>
  );
}
