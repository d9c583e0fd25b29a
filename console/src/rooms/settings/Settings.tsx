import { Button, SegmentedControl, Switch, TextInput, useMantineColorScheme } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { driverPageQuery, meQuery, settingsQuery } from "../../api/queries";
import type { SettingsView } from "../../api/schema";
import { LANGUAGES, type Language, useChooseLanguage, useT } from "../../i18n";
import { useStore } from "../../lib/store";
import { ownZone, reckonBy, type Reckoning, RECKONINGS, reckoning } from "../../lib/zones";
import { Loaded, Page, Panel, Refused } from "../../parts/basics";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";

export function Settings() {
  const t = useT();
  const choose = useChooseLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const reckoned = useStore(reckoning);
  const me = useQuery(meQuery);
  const health = useQuery({ queryKey: ["health"], queryFn: () => ask(api.GET("/healthz")) });
  const ready = useQuery({ queryKey: ["ready"], queryFn: async () => (await api.GET("/readyz")).response.ok, refetchInterval: 30_000 });
  return (
    <Page title={t("nav.settings")}>
      <div className="stack" style={{ maxWidth: 720 }}>
        <Panel title={t("settings.look")}>
          <dl className="facts choices" style={{ alignItems: "center" }}>
            <dt>{t("scheme.label")}</dt>
            <dd>
              <SegmentedControl
                aria-label={t("scheme.label")} value={colorScheme} onChange={(value) => setColorScheme(value as typeof colorScheme)}
                data={(["light", "dark", "auto"] as const).map((value) => ({ value, label: t(`scheme.${value}`) }))}
              />
            </dd>
            <dt>{t("settings.language")}</dt>
            <dd>
              <SegmentedControl aria-label={t("settings.language")} value={t.language} onChange={(value) => choose(value as Language)} data={(Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, label: LANGUAGES[value] }))} />
            </dd>
            <dt>{t("settings.zone")}</dt>
            <dd>
              <SegmentedControl
                aria-label={t("settings.zone")} value={reckoned} onChange={(value) => reckonBy(value as Reckoning)}
                data={RECKONINGS.map((value) => ({ value, label: t(`zone.${value}`, { zone: ownZone }) }))}
              />
            </dd>
          </dl>
        </Panel>
        <Panel title={t("settings.you")}>
          <Loaded query={me} rows={3}>
            {({ user }) => (
              <dl className="facts">
                <dt>{t("setup.name")}</dt><dd>{user.name}</dd>
                <dt>{t("login.email")}</dt><dd>{user.email}</dd>
                <dt>{t("people.role")}</dt><dd>{t.word("role", user.role)}</dd>
                <dt>{t("settings.tenant")}</dt><dd>{user.tenant}</dd>
              </dl>
            )}
          </Loaded>
        </Panel>
        <Platform />
        <DriverPage />
        <Panel title={t("settings.about")}>
          <Loaded query={health} rows={2}>
            {(found) => (
              <dl className="facts">
                <dt>Forecourt</dt><dd>{found.version}</dd>
                <dt>{t("settings.ready")}</dt>
                <dd>{ready.data !== undefined && <State state={ready.data ? "online" : "faulted"} label={ready.data ? t("yes") : t("no")} />}</dd>
                <dt>API</dt><dd><a className="link" href="/schema/openapi.json">/schema/openapi.json</a></dd>
              </dl>
            )}
          </Loaded>
        </Panel>
      </div>
    </Page>
  );
}

/** What drivers may do at the pages of this tenant's connectors. */
function DriverPage() {
  const t = useT();
  const may = useMay();
  const client = useQueryClient();
  const page = useQuery({ ...driverPageQuery, enabled: may("stations.read") });
  const save = useMutation({
    mutationFn: (mayStart: boolean) => ask(api.PATCH("/api/v1/driver-page", { body: { may_start: mayStart } })),
    onSuccess: (saved) => client.setQueryData(keys.driverPage, saved),
  });
  if (!may("stations.read")) return null;
  return (
    <Panel title={t("driver.title")}>
      <Loaded query={page} rows={2}>
        {(found) => (
          <div className="stack">
            <Switch
              label={t("driver.may_start")} description={t("driver.may_start_text")} checked={found.may_start} disabled={!may("stations.write") || save.isPending}
              onChange={(event) => save.mutate(event.currentTarget.checked)}
            />
            <Refused error={save.error} />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

const DAYS = ["messages_days", "events_days", "meter_values_days", "customer_information_days"] as const;

/** What the platform is told for this tenant: its name, its zone, where stations dial, and how long things are kept. */
function Platform() {
  const t = useT();
  const settings = useQuery(settingsQuery);
  return (
    <Panel title={t("settings.platform")}>
      <Loaded query={settings} rows={4}>
        {(found) => (
          <div className="stack">
            <PlatformForm settings={found} key={JSON.stringify(found)} />
            <dl className="facts">
              <dt>{t("settings.ocpp")}</dt><dd className="mono">{found.ocpp.url || "–"}</dd>
              <dt>{t("settings.ports")}</dt><dd>{found.ocpp.ports.join(", ") || "–"}</dd>
              {DAYS.map((name) => [<dt key={name}>{t(`settings.keep.${name}`)}</dt>, <dd key={`${name} n`}>{t("settings.days", { n: found.retention[name] })}</dd>])}
            </dl>
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function PlatformForm({ settings }: { settings: SettingsView }) {
  const t = useT();
  const may = useMay()("people.write");
  const client = useQueryClient();
  const [form, setForm] = useState({ name: settings.name, time_zone: settings.time_zone, ocpp_url: settings.ocpp_url });
  const save = useMutation({
    mutationFn: () => ask(api.PATCH("/api/v1/settings", { body: form })),
    onSuccess: (changed) => client.setQueryData(keys.settings, changed),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const field = (name: keyof typeof form) => ({
    value: form[name],
    disabled: !may,
    onChange: (event: { currentTarget: { value: string } }) => setForm({ ...form, [name]: event.currentTarget.value }),
  });
  const changed = form.name !== settings.name || form.time_zone !== settings.time_zone || form.ocpp_url !== settings.ocpp_url;
  return (
    <form className="stack" onSubmit={submit}>
      <TextInput label={t("settings.name")} required maxLength={200} {...field("name")} />
      <TextInput label={t("settings.default_zone")} required list="zones" {...field("time_zone")} />
      <datalist id="zones">{Intl.supportedValuesOf("timeZone").map((zone) => <option key={zone} value={zone} />)}</datalist>
      <TextInput label={t("settings.ocpp_url")} description={t("settings.ocpp_url_text")} placeholder={settings.ocpp.url} {...field("ocpp_url")} />
      <Refused error={save.error} />
      {may && <div className="row"><Button type="submit" loading={save.isPending} disabled={!changed}>{t("settings.save")}</Button></div>}
    </form>
  );
}
