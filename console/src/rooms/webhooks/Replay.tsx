/** Send what happened between two moments again. */
import { Button, Checkbox, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import type { WebhookView } from "../../api/schema";
import { useT } from "../../i18n";
import { count } from "../../lib/format";
import { Refused } from "../../parts/basics";
import { webhookKeys } from "./queries";

const DAY_MS = 86_400_000;

/** As a datetime-local field writes a moment. */
function local(ms: number): string {
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function Replay({ hook, done }: { hook: WebhookView; done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const [form, setForm] = useState(() => ({ since: local(Date.now() - DAY_MS), until: local(Date.now() + 60_000), all: false }));
  const replay = useMutation({
    mutationFn: () =>
      ask(api.POST("/api/v1/webhooks/{webhook_id}/replay", {
        params: { path: { webhook_id: hook.id } },
        body: { since: new Date(form.since).toISOString(), until: new Date(form.until).toISOString(), delivered_too: form.all },
      })),
    onSuccess: () => client.invalidateQueries({ queryKey: webhookKeys.all }),
  });
  if (replay.data) {
    return (
      <div className="stack">
        <p role="status">{t("webhooks.replayed", { n: count(replay.data.deliveries, t.language) })}</p>
        <div className="row"><Button variant="default" onClick={done}>{t("close")}</Button></div>
      </div>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    replay.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <p className="soft">{t("webhooks.replay_text")}</p>
      <TextInput label={t("webhooks.since")} type="datetime-local" required value={form.since} onChange={(event) => setForm({ ...form, since: event.currentTarget.value })} />
      <TextInput label={t("webhooks.until")} type="datetime-local" required value={form.until} onChange={(event) => setForm({ ...form, until: event.currentTarget.value })} />
      <Checkbox label={t("webhooks.delivered_too")} checked={form.all} onChange={(event) => setForm({ ...form, all: event.currentTarget.checked })} />
      <Refused error={replay.error} />
      <div className="row"><Button type="submit" loading={replay.isPending}>{t("webhooks.replay_range")}</Button></div>
    </form>
  );
}
