/** One endpoint: how it does, what it hears of, its secret, its log. */
import { Button, Menu, Modal } from "@mantine/core";
import { IconDots, IconKey, IconPencil, IconPlayerPause, IconPlayerPlay, IconRefresh, IconSend, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import type { WebhookChange, WebhookView } from "../../api/schema";
import { useT } from "../../i18n";
import { count, exact } from "../../lib/format";
import { useZone } from "../../lib/zones";
import { Ago, Loaded, Page, Panel, Refused } from "../../parts/basics";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";
import { Deliveries } from "./Deliveries";
import { bodyOf, Fields, type Form, formOf } from "./Fields";
import { healthOf, webhookKeys, webhookQuery } from "./queries";
import { Replay } from "./Replay";
import { Secret } from "./Secret";

const route = getRouteApi("/webhooks/$id");

export function Webhook() {
  const t = useT();
  const { id } = route.useParams();
  const found = useQuery(webhookQuery(id));
  const crumb = <Link to="/webhooks" className="crumb">{t("nav.webhooks")} /</Link>;
  if (!found.data) return <Page title={t("webhooks.one")} crumb={crumb}><Loaded query={found}>{() => null}</Loaded></Page>;
  return <Known hook={found.data} crumb={crumb} />;
}

type Dialog = "change" | "rotate" | "replay" | null;

function Known({ hook, crumb }: { hook: WebhookView; crumb: React.ReactNode }) {
  const t = useT();
  const may = useMay();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [dialog, setDialog] = useState<Dialog>(null);
  const path = { params: { path: { webhook_id: hook.id } } };
  const read = () => client.invalidateQueries({ queryKey: webhookKeys.all });
  const ping = useMutation({ mutationFn: () => ask(api.POST("/api/v1/webhooks/{webhook_id}/ping", path)), onSettled: read });
  const turn = useMutation({ mutationFn: (enabled: boolean) => ask(api.PATCH("/api/v1/webhooks/{webhook_id}", { ...path, body: { enabled } as WebhookChange })), onSettled: read });
  const remove = useMutation({
    mutationFn: () => ask(api.DELETE("/api/v1/webhooks/{webhook_id}", path)),
    onSuccess: async () => {
      await navigate({ to: "/webhooks" });
      client.removeQueries({ queryKey: webhookKeys.one(hook.id) });
      await read();
    },
  });
  const write = may("webhooks.write");
  return (
    <Page
      title={hook.description || hostOf(hook.url)} crumb={crumb}
      aside={write && (
        <>
          {hook.enabled
            ? <Button leftSection={<IconSend size={15} />} loading={ping.isPending} onClick={() => ping.mutate()}>{t("webhooks.ping")}</Button>
            : <Button leftSection={<IconPlayerPlay size={15} />} loading={turn.isPending} onClick={() => turn.mutate(true)}>{t("webhooks.enable")}</Button>}
          <Menu position="bottom-end">
            <Menu.Target><Button variant="default" aria-label={t("actions")} px={8}><IconDots size={16} /></Button></Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<IconPencil size={15} />} onClick={() => setDialog("change")}>{t("webhooks.change")}</Menu.Item>
              <Menu.Item leftSection={<IconKey size={15} />} onClick={() => setDialog("rotate")}>{t("webhooks.rotate")}</Menu.Item>
              {hook.enabled && <Menu.Item leftSection={<IconRefresh size={15} />} onClick={() => setDialog("replay")}>{t("webhooks.replay_range")}</Menu.Item>}
              {hook.enabled && <Menu.Item leftSection={<IconPlayerPause size={15} />} onClick={() => turn.mutate(false)}>{t("webhooks.disable")}</Menu.Item>}
              <Menu.Item color="red" leftSection={<IconTrash size={15} />} onClick={() => { if (window.confirm(t("webhooks.remove_sure", { url: hook.url }))) remove.mutate(); }}>{t("remove")}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </>
      )}
    >
      <Refused error={ping.error ?? turn.error ?? remove.error} />
      <Notice hook={hook} />
      <Health hook={hook} />
      <Facts hook={hook} />
      <Deliveries hook={hook} />
      <Modal opened={dialog !== null} onClose={() => setDialog(null)} title={dialog === null ? "" : t(dialog === "replay" ? "webhooks.replay_range" : `webhooks.${dialog}`)} closeButtonProps={{ "aria-label": t("close") }}>
        {dialog === "change" && <Change hook={hook} done={() => setDialog(null)} />}
        {dialog === "rotate" && <Rotate hook={hook} done={() => setDialog(null)} />}
        {dialog === "replay" && <Replay hook={hook} done={() => setDialog(null)} />}
      </Modal>
    </Page>
  );
}

/** Why nothing is sent, or that what is sent does not arrive. */
function Notice({ hook }: { hook: WebhookView }) {
  const t = useT();
  if (!hook.enabled) {
    const tone = hook.disabled_by === "person" ? "idle" : "faulted";
    return <div className="banner" data-tone={tone} role="status"><span>{t.word("webhook_off", hook.disabled_by ?? "person")} <Ago at={hook.disabled_at} /></span></div>;
  }
  if (!hook.failing_since) return null;
  return <div className="banner" data-tone="waiting" role="status"><span>{t("webhooks.failing_text")} <Ago at={hook.failing_since} /></span></div>;
}

function Health({ hook }: { hook: WebhookView }) {
  const t = useT();
  const health = hook.health;
  if (!health) return null;
  const tiles = [
    { label: t("webhooks.delivered_day"), value: count(health.delivered ?? 0, t.language), note: <>{t("webhooks.last")}: <Ago at={hook.delivered_at} none={t("never")} /></> },
    { label: t("webhooks.failed_day"), value: count(health.failed ?? 0, t.language), note: "" },
    { label: t("webhooks.waiting"), value: count(health.waiting ?? 0, t.language), note: health.oldest_waiting_at ? <>{t("webhooks.oldest")}: <Ago at={health.oldest_waiting_at} /></> : "" },
    { label: t("webhooks.latency"), value: health.latency_ms == null ? "–" : <>{count(health.latency_ms, t.language)}<small> ms</small></>, note: t("webhooks.median") },
  ];
  return (
    <div className="tiles">
      {tiles.map(({ label, value, note }) => (
        <div key={label} className="tile"><div className="tile-label">{label}</div><div className="tile-value">{value}</div><div className="tile-note">{note}</div></div>
      ))}
    </div>
  );
}

function Facts({ hook }: { hook: WebhookView }) {
  const zone = useZone();
  const t = useT();
  return (
    <Panel title={t("webhooks.one")} aside={<State state={healthOf(hook)} group="webhook" />}>
      <dl className="facts">
        <dt>{t("field.url")}</dt><dd className="mono">{hook.url}</dd>
        <dt>{t("webhooks.types")}</dt><dd>{hook.types.join(", ") || t("webhooks.every")}</dd>
        <dt>{t("webhooks.sites")}</dt><dd>{hook.sites.join(", ") || t("stations.all_sites")}</dd>
        <dt>{t("webhooks.headers")}</dt><dd>{hook.header_names.join(", ") || "–"}</dd>
        <dt>{t("webhooks.secret")}</dt><dd>{hook.old_secret_until && Date.parse(hook.old_secret_until) > Date.now() ? t("webhooks.old_until", { at: exact(hook.old_secret_until, t.language, zone) }) : t("webhooks.secret_kept")}</dd>
        <dt>Id</dt><dd className="mono">{hook.id}</dd>
        <dt>{t("facts.created")}</dt><dd>{exact(hook.created_at, t.language, zone)}</dd>
      </dl>
    </Panel>
  );
}

function Change({ hook, done }: { hook: WebhookView; done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const [form, setForm] = useState<Form>(formOf(hook));
  const save = useMutation({
    mutationFn: () => ask(api.PATCH("/api/v1/webhooks/{webhook_id}", { params: { path: { webhook_id: hook.id } }, body: bodyOf(form) as WebhookChange })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: webhookKeys.all });
      done();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <Fields form={form} set={setForm} kept={hook.header_names} />
      <Refused error={save.error} />
      <div className="row"><Button type="submit" loading={save.isPending}>{t("save")}</Button></div>
    </form>
  );
}

function Rotate({ hook, done }: { hook: WebhookView; done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const rotate = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/webhooks/{webhook_id}/secret", { params: { path: { webhook_id: hook.id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: webhookKeys.all }),
  });
  if (rotate.data) return <Secret secret={rotate.data.secret} done={done} />;
  return (
    <div className="stack">
      <p>{t("webhooks.rotate_text")}</p>
      <Refused error={rotate.error} />
      <div className="row"><Button loading={rotate.isPending} onClick={() => rotate.mutate()}>{t("webhooks.rotate")}</Button></div>
    </div>
  );
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url; // Shown as it is; the platform has its own notion of an address.
  }
}
