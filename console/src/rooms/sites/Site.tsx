import { Button, Modal } from "@mantine/core";
import { IconChargingPile, IconPencil, IconTrash } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { sessionsQuery, siteQuery, siteSummaryQuery, stationsQuery } from "../../api/queries";
import type { SessionView, SiteSummary, SiteView, StationView } from "../../api/schema";
import { useT } from "../../i18n";
import { count, duration, energy, exact, percent, power } from "../../lib/format";
import { useNow } from "../../lib/now";
import { InZone } from "../../lib/zones";
import { Glow, Loaded, Note, Page, Panel, Refused } from "../../parts/basics";
import { PortLine } from "../../parts/ports";
import { PowerDay } from "../../parts/PowerDay";
import { isPlaced, SiteMap } from "../../parts/SiteMap";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";
import { SessionTable } from "../sessions/SessionTable";
import { told } from "./hours";
import { SiteForm } from "./SiteForm";

const route = getRouteApi("/sites/$id");
const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
/** Tiles beyond this many stations are a table's business. */
const TILES_MAX = 120;

export function Site() {
  const { id } = route.useParams();
  const site = useQuery(siteQuery(id));
  return <Loaded query={site} rows={10}>{(found) => <InZone zone={found.zone}><Found site={found} /></InZone>}</Loaded>;
}

function Found({ site }: { site: SiteView }) {
  const t = useT();
  const may = useMay();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [editing, setEditing] = useState(false);
  const summary = useQuery(siteSummaryQuery(site.id));
  const remove = useMutation({
    mutationFn: () => ask(api.DELETE("/api/v1/sites/{site_id}", { params: { path: { site_id: site.id } } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.sites });
      await navigate({ to: "/sites" });
    },
  });
  const forget = () => {
    if (window.confirm(t("sites.remove_sure", { name: site.name }))) remove.mutate();
  };
  return (
    <Page
      crumb={<Link to="/sites" className="crumb">{t("nav.sites")} /</Link>} title={site.name}
      aside={may("stations.write") && (
        <>
          <Button variant="default" leftSection={<IconPencil size={15} />} onClick={() => setEditing(true)}>{t("sites.edit")}</Button>
          <Button variant="subtle" color="gray" leftSection={<IconTrash size={15} />} onClick={forget}>{t("remove")}</Button>
        </>
      )}
    >
      <Refused error={remove.error} />
      <Loaded query={summary} rows={4}>{(now) => <Summary now={now} site={site} />}</Loaded>
      <Panel title={t("overview.day_chart")}><PowerDay site={site.id} height={160} /></Panel>
      <Stations site={site} />
      {may("sessions.read") && (
        <Panel title={t("nav.sessions")} aside={<Link to="/sessions" search={{ site: site.id }} className="link push">{t("sites.all_sessions")}</Link>} flush>
          <SessionTable filters={{ site: site.id }} short />
        </Panel>
      )}
      <Modal opened={editing} onClose={() => setEditing(false)} title={t("sites.edit")} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
        {editing && <SiteForm site={site} done={() => setEditing(false)} />}
      </Modal>
    </Page>
  );
}

function Summary({ now, site }: { now: SiteSummary; site: SiteView }) {
  const t = useT();
  const clock = useNow();
  const hours = (Date.parse(now.day_ends_at) - Date.parse(now.day_begins_at)) / HOUR_MS;
  const facts: [ReactNode, ReactNode][] = [
    [t("sites.id"), site.id],
    [t("sites.address"), [...site.address, [site.postal_code, site.city].filter(Boolean).join(" "), site.country].filter(Boolean).join(", ")],
    [t("sites.clock"), `${exact(clock, t.language, now.zone)} (${now.zone})`],
    [t("sites.hours"), site.hours.length === 0 ? t("sites.always") : told(site.hours, t.language)],
  ];
  return (
    <>
      <div className="tiles">
        <Tile label={t("sites.ports")} note=""><PortLine ports={now.ports} /></Tile>
        <Tile label={t("overview.power")} note={t("sites.now")}><Glow value={now.power_w}>{power(now.power_w, t.language)}</Glow></Tile>
        <Tile label={t("overview.sessions")} note={t("sites.today_n", { n: count(now.sessions_today, t.language) })}>{count(now.sessions_running, t.language)}</Tile>
        <Tile label={t("overview.energy")} note={hours === DAY_HOURS ? t("sites.since", { zone: now.zone }) : t("sites.since_odd", { zone: now.zone, hours })}>{energy(now.energy_today_wh, t.language)}</Tile>
      </div>
      <div className="split">
        <Panel title={t("sites.facts")}>
          <dl className="facts">
            {facts.map(([name, value]) => value ? [<dt key={`${String(name)} dt`}>{name}</dt>, <dd key={`${String(name)} dd`}>{value}</dd>] : null)}
          </dl>
        </Panel>
        <Panel flush>{isPlaced(now) ? <SiteMap sites={[now]} height={220} label={t("map.label")} /> : <Note title={t("map.no_place")}>{t("map.no_place_text")}</Note>}</Panel>
      </div>
    </>
  );
}

function Tile({ label, children, note }: { label: string; children: ReactNode; note: ReactNode }) {
  return (
    <div className="tile">
      <div className="tile-label">{label}</div>
      <div className="tile-value">{children}</div>
      <div className="tile-note">{note}</div>
    </div>
  );
}

/** Every station's outlets, live, with what charges there. */
function Stations({ site }: { site: SiteView }) {
  const t = useT();
  const may = useMay();
  const stations = useInfiniteQuery(stationsQuery({ site: site.id }));
  const running = useInfiniteQuery({ ...sessionsQuery({ site: site.id, state: "active" }), enabled: may("sessions.read") });
  const rows = useMemo(() => stations.data?.pages.flatMap(({ items }) => items) ?? [], [stations.data]);
  const sessions = useMemo(() => {
    const here = new Map<string, SessionView[]>();
    for (const session of running.data?.pages.flatMap(({ items }) => items) ?? []) here.set(session.station, [...(here.get(session.station) ?? []), session]);
    return here;
  }, [running.data]);
  return (
    <Panel title={t("nav.stations")} aside={<Link to="/stations" search={{ site: site.id }} className="link">{t("sites.as_table")}</Link>}>
      <Loaded query={stations} rows={6}>
        {() =>
          rows.length === 0 ? (
            <Note icon={IconChargingPile} title={t("sites.no_stations")}>{t("sites.no_stations_text")}</Note>
          ) : (
            <div className="evses">
              {rows.slice(0, TILES_MAX).map((station) => <StationTile key={station.id} station={station} sessions={sessions.get(station.id) ?? []} />)}
            </div>
          )
        }
      </Loaded>
    </Panel>
  );
}

function StationTile({ station, sessions }: { station: StationView; sessions: readonly SessionView[] }) {
  const t = useT();
  const now = useNow();
  const outlets = station.connectors.filter(({ evse }) => evse > 0);
  return (
    <section className="evse" aria-label={station.id}>
      <div className="row">
        <Link to="/stations/$id" params={{ id: station.id }} className="link"><b>{station.id}</b></Link>
        <span className="soft cut">{`${station.vendor} ${station.model}`.trim()}</span>
        {!station.connected && <span className="push"><State state="offline" /></span>}
      </div>
      {outlets.map((outlet) => {
        const session = sessions.find(({ evse, connector }) => evse === outlet.evse && (connector === outlet.connector || connector === 0));
        return (
          <div key={`${outlet.evse} ${outlet.connector}`} className="row">
            <Glow value={outlet.state}><State state={station.connected ? outlet.state : "offline"} pulse={station.connected && (session?.power_w ?? 0) > 0} label={`${outlet.evse} · ${t.word("state", station.connected ? outlet.state : "offline")}`} /></Glow>
            {session ? (
              <Link to="/sessions/$id" params={{ id: session.id }} className="push row nowrap" style={{ gap: 10 }}>
                <b>{power(session.power_w, t.language)}</b>
                {session.soc_pct !== null && <span>{percent(session.soc_pct, t.language)}</span>}
                <span className="soft">{energy(session.energy_wh, t.language)}</span>
              </Link>
            ) : (
              <span className="push soft nowrap">{t("station.for", { time: duration(Math.max(0, now - Date.parse(outlet.state_at)), t.language) })}</span>
            )}
          </div>
        );
      })}
    </section>
  );
}
