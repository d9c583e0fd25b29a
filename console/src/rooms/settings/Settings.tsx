import { SegmentedControl, useMantineColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import { meQuery } from "../../api/queries";
import { LANGUAGES, type Language, useChooseLanguage, useT } from "../../i18n";
import { useStore } from "../../lib/store";
import { ownZone, reckonBy, type Reckoning, RECKONINGS, reckoning } from "../../lib/zones";
import { Loaded, Page, Panel } from "../../parts/basics";
import { State } from "../../parts/states";

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
          <dl className="facts" style={{ alignItems: "center" }}>
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
