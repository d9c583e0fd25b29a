import { Button } from "@mantine/core";
import { IconFlag, IconPlayerStop } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { readingsQuery, sessionQuery, stationQuery } from "../../api/queries";
import type { ReadingView, SessionView } from "../../api/schema";
import { useT } from "../../i18n";
import { clock, day, duration, energy, exact, percent, power } from "../../lib/format";
import { useNow } from "../../lib/now";
import { InZone, useZone } from "../../lib/zones";
import { Loaded, Note, Page, Panel, Refused } from "../../parts/basics";
import { Chart, type Series } from "../../parts/Chart";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";
import { curve } from "./curve";
import { Cost, SessionPanels } from "./Parts";

const route = getRouteApi("/sessions/$id");

export function Session() {
  const { id } = route.useParams();
  const session = useQuery(sessionQuery(id));
  return <Loaded query={session} rows={10}>{(found) => <InZone zone={found.zone}><Found session={found} /></InZone>}</Loaded>;
}

function Found({ session }: { session: SessionView }) {
  const t = useT();
  const may = useMay();
  const now = useNow();
  const active = session.state === "active";
  const readings = useQuery(readingsQuery(session.id));
  const lasted = (session.ended_at ? Date.parse(session.ended_at) : now) - Date.parse(session.started_at);
  return (
    <Page
      crumb={<Link to="/sessions" className="crumb">{t("nav.sessions")} /</Link>}
      title={t("session.title", { station: session.station, evse: session.evse })}
      aside={active && may("commands.send") && <Ending session={session} />}
    >
      <div className="row wrap soft" style={{ marginTop: -8, gap: "4px 14px" }}>
        <State state={session.state} pulse={(session.power_w ?? 0) > 0} />
        <Link to="/stations/$id" params={{ id: session.station }} className="link">{session.station}</Link>
        <span className="mono">{session.id}</span>
      </div>
      <div className="tiles">
        <Tile label={t("sessions.energy")} value={energy(session.energy_wh, t.language, 3)} note={session.exported_wh > 0 ? t("session.exported", { energy: energy(session.exported_wh, t.language, 3) }) : t("session.by_meter")} />
        <Tile label={t("overview.power")} value={active ? power(session.power_w, t.language) : "–"} note={active ? t("session.now") : ""} />
        <Tile label={t("sessions.soc")} value={percent(session.soc_pct, t.language)} note={session.soc_pct === null ? t("session.no_soc") : t("session.by_car")} />
        <Tile label={t("sessions.lasted")} value={lasted < 0 ? "–" : duration(lasted, t.language)} note={active ? t("session.running") : session.stop_reason} />
      </div>
      {session.flags.length > 0 && (
        <div className="stack tight">
          {session.flags.map((flag) => (
            <div key={flag} className="banner" data-tone="waiting">
              <IconFlag size={16} aria-hidden />
              <span><b>{t.word("flag", flag)}.</b> {t.word("flag_text", flag)}</span>
            </div>
          ))}
        </div>
      )}
      <Panel title={t("session.curve")}>
        <Loaded query={readings}>{(found) => <Curve readings={found} />}</Loaded>
      </Panel>
      <div className="split">
        <Panel title={t("session.facts")}><FactList session={session} /></Panel>
        <Panel title={t("session.readings")} flush>
          <Loaded query={readings}>{(found) => <Readings readings={found} />}</Loaded>
        </Panel>
      </div>
      <SessionPanels session={session} readings={readings.data ?? []} />
    </Page>
  );
}

function Tile({ label, value, note }: { label: string; value: ReactNode; note: ReactNode }) {
  return (
    <div className="tile">
      <div className="tile-label">{label}</div>
      <div className="tile-value">{value}</div>
      <div className="tile-note cut">{note}</div>
    </div>
  );
}

/** A station that is there is asked to stop; of one that is away somebody has to say that it is over. */
function Ending({ session }: { session: SessionView }) {
  const station = useQuery(stationQuery(session.station));
  if (!station.data) return null;
  return station.data.connected ? <Stop session={session} /> : <GiveUp session={session} />;
}

function GiveUp({ session }: { session: SessionView }) {
  const t = useT();
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/sessions/{session_id}/end", { params: { path: { session_id: session.id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.session(session.id) }),
  });
  return (
    <>
      <Refused error={end.error} />
      <Button color="red" variant="light" leftSection={<IconPlayerStop size={15} />} loading={end.isPending} onClick={() => { if (window.confirm(t("session.end_sure"))) end.mutate(); }}>{t("session.end")}</Button>
    </>
  );
}

function Stop({ session }: { session: SessionView }) {
  const t = useT();
  const client = useQueryClient();
  const stop = useMutation({
    mutationFn: () =>
      ask(api.POST("/api/v1/stations/{station_id}/commands", { params: { path: { station_id: session.station } }, body: { command: "stop", session: session.id } as never })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.session(session.id) }),
  });
  return (
    <>
      <Refused error={stop.error} />
      {stop.data && <span role="status">{t("session.stop_answer", { status: stop.data.status || stop.data.outcome })}</span>}
      <Button color="red" variant="light" leftSection={<IconPlayerStop size={15} />} loading={stop.isPending} onClick={() => stop.mutate()}>{t("session.stop")}</Button>
    </>
  );
}

function Curve({ readings }: { readings: readonly ReadingView[] }) {
  const t = useT();
  const language = t.language;
  const { powers, socs, energies } = useMemo(() => curve(readings), [readings]);
  const upper = useMemo<Series[]>(
    () => [
      { name: t("overview.power"), points: powers, format: (w) => power(w, language), tone: "charging", filled: true },
      ...(socs.some(([, v]) => v !== null) ? [{ name: t("sessions.soc"), points: socs, format: (v: number) => percent(v, language), tone: "available" as const, axis: 1 as const }] : []),
    ],
    [powers, socs, t, language],
  );
  const lower = useMemo<Series[]>(() => [{ name: t("sessions.energy"), points: energies, format: (wh) => energy(wh, language), tone: "reserved", filled: true }], [energies, t, language]);
  if (readings.length < 2) return <Note title={t("session.no_curve")}>{t("session.no_curve_text")}</Note>;
  return (
    <>
      <div className="row soft" style={{ gap: 16 }}>
        {upper.map((one) => <span key={one.name} className="row" data-tone={one.tone}><i className="swatch" />{one.name}</span>)}
      </div>
      <Chart label={upper.map(({ name }) => name).join(", ")} series={upper} height={240} />
      <div className="row soft" data-tone="reserved"><i className="swatch" />{t("sessions.energy")}</div>
      <Chart label={t("sessions.energy")} series={lower} height={130} />
    </>
  );
}

function FactList({ session }: { session: SessionView }) {
  const t = useT();
  const zone = useZone();
  const facts: [string, ReactNode][] = [
    [t("session.started"), exact(session.started_at, t.language, zone)],
    [t("session.ended"), session.ended_at && exact(session.ended_at, t.language, zone)],
    [t("session.transaction"), <code key="t">{session.transaction}</code>],
    [t("sessions.token"), session.token && <Link key="k" to="/tokens" search={{ find: session.token }} className="link mono">{session.token}</Link>],
    [t("session.type"), session.token_type],
    [t("session.standing"), session.standing && <State key="s" state={session.standing} group="standing" />],
    [t("tokens.group"), session.group],
    [t("session.meter_start"), session.meter_start_wh !== null && energy(session.meter_start_wh, t.language, 3)],
    [t("session.meter_stop"), session.meter_stop_wh !== null && energy(session.meter_stop_wh, t.language, 3)],
    [t("session.charging_state"), session.charging_state],
    [t("session.reason"), session.stop_reason],
    [t("session.cost"), <Cost key="c" session={session} />],
    [t("session.offline"), session.offline ? t("yes") : t("no")],
  ];
  return (
    <dl className="facts">
      {facts.map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value || <span className="soft">–</span>}</dd></div>)}
    </dl>
  );
}

function Readings({ readings }: { readings: readonly ReadingView[] }) {
  const t = useT();
  const zone = useZone();
  const signed = readings.filter(({ samples }) => JSON.stringify(samples).includes("Signed")).length;
  const shown = readings.slice(-100).reverse();
  return (
    <>
      <div style={{ maxHeight: 340, overflow: "auto", position: "relative" }} tabIndex={0} role="region" aria-label={t("session.readings")}>
        <table className="plain">
          <thead><tr><th>{t("messages.at")}</th><th className="num">{t("sessions.energy")}</th><th className="num">{t("overview.power")}</th><th className="num">{t("sessions.soc")}</th></tr></thead>
          <tbody>
            {shown.map((one, index) => (
              <tr key={`${one.sampled_at} ${index}`}>
                <td title={exact(one.sampled_at, t.language, zone)}>{day(one.sampled_at, t.language, zone)}, {clock(one.sampled_at, t.language, zone)}</td>
                <td className="num">{energy(one.energy_wh, t.language, 3)}</td>
                <td className="num">{power(one.power_w, t.language)}</td>
                <td className="num">{percent(one.soc_pct, t.language)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className="tfoot">{t("session.readings_n", { n: readings.length })}{signed > 0 && ` · ${t("session.signed", { n: signed })}`}</div>
    </>
  );
}
