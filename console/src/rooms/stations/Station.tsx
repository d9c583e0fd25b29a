import { Button, Menu } from "@mantine/core";
import { IconChevronDown, IconTerminal2 } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useRef } from "react";
import { sessionsQuery, stationQuery } from "../../api/queries";
import type { SessionView, StationView } from "../../api/schema";
import { useT } from "../../i18n";
import { duration, energy, everywhere, percent, power } from "../../lib/format";
import { useNow } from "../../lib/now";
import { InZone, ownZone, useZone } from "../../lib/zones";
import { Glow, Loaded, Loading, Page, Panel } from "../../parts/basics";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";
import { Feed } from "../overview/Feed";
import { SessionTable } from "../sessions/SessionTable";
import { Alarms } from "./Alarms";
import { Facts } from "./Facts";
import { Files } from "./Files";
import { type Tab, TABS } from "./index";
import { Messages } from "./Messages";
import { QUICK } from "./names";
import { Model } from "./Model";
import { Timeline } from "./Timeline";

const route = getRouteApi("/stations/$id");
// The commands' forms are large and wanted seldom.
const CommandDrawer = lazy(async () => ({ default: (await import("./CommandDrawer")).CommandDrawer }));
const Certificates = lazy(async () => ({ default: (await import("./Certificates")).Certificates }));
const Codes = lazy(async () => ({ default: (await import("./Codes")).Codes }));

export function Station() {
  const { id } = route.useParams();
  const station = useQuery(stationQuery(id));
  return <Loaded query={station} rows={10}>{(found) => <InZone zone={found.zone}><Found station={found} /></InZone>}</Loaded>;
}

function Found({ station }: { station: StationView }) {
  const t = useT();
  const may = useMay();
  const search = route.useSearch();
  const { tab = "live", command } = search;
  const navigate = useNavigate({ from: "/stations/$id" });
  const running = useInfiniteQuery({ ...sessionsQuery({ station: station.id, state: "active" }), enabled: may("sessions.read") });
  const sessions = useMemo(() => running.data?.pages.flatMap(({ items }) => items) ?? [], [running.data]);
  const ask = (name: string | undefined) => void navigate({ search: { tab: search.tab, command: name }, replace: true });
  const tabs = useRef<HTMLElement>(null);
  // On a phone not all of them are in sight.
  useEffect(() => {
    tabs.current?.querySelector("[aria-current=page]")?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [tab]);
  return (
    <Page
      crumb={<Link to="/stations" className="crumb">{t("nav.stations")} /</Link>}
      title={station.id}
      aside={may("commands.send") && <Commands ask={ask} />}
    >
      <Line station={station} />
      <Evses station={station} sessions={sessions} />
      <nav ref={tabs} className="tabs" aria-label={t("station.tabs")}>
        {TABS.filter((one) => one !== "certificates" || may("certificates.read")).map((one) => (
          <Link key={one} to="/stations/$id" params={{ id: station.id }} search={{ tab: one }} replace aria-current={one === tab ? "page" : undefined}>
            {t(`tab.${one}`)}
          </Link>
        ))}
      </nav>
      <TabContent tab={tab} station={station} ask={ask} />
      <Suspense fallback={null}>
        {command !== undefined && <CommandDrawer station={station} command={command} choose={ask} running={sessions.length} />}
      </Suspense>
    </Page>
  );
}

function Commands({ ask }: { ask: (name: string) => void }) {
  const t = useT();
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <Button leftSection={<IconTerminal2 size={15} />} rightSection={<IconChevronDown size={14} />}>{t("command.menu")}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {QUICK.map((name) => <Menu.Item key={name} onClick={() => ask(name)}>{t.word("command", name)}</Menu.Item>)}
        <Menu.Divider />
        <Menu.Item onClick={() => ask("raw")}>{t("command.all")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Line({ station }: { station: StationView }) {
  const t = useT();
  const zone = useZone();
  const now = useNow();
  const since = station.connected ? station.connected_at : station.disconnected_at;
  const parts = [`${station.vendor} ${station.model}`.trim(), station.firmware && `${t("stations.firmware")} ${station.firmware}`, station.protocol.replace("ocpp", "OCPP "), station.site];
  return (
    <div className="row wrap soft" style={{ gap: "4px 14px", marginTop: -8 }}>
      <Glow value={station.connected}>
        <State state={station.connected ? "online" : "offline"} />
      </Glow>
      {since && <span title={everywhere(since, t.language, zone, ownZone)}>{t("station.for", { time: duration(now - Date.parse(since), t.language) })}</span>}
      {station.admission !== "accepted" && <State state={station.admission} group="admission" />}
      {parts.filter(Boolean).map((part) => <span key={part}>{part}</span>)}
    </div>
  );
}

function Evses({ station, sessions }: { station: StationView; sessions: readonly SessionView[] }) {
  const t = useT();
  const now = useNow();
  const outlets = station.connectors.filter(({ evse }) => evse > 0);
  if (outlets.length === 0) return <p className="soft">{t("station.no_connectors")}</p>;
  return (
    <div className="evses">
      {outlets.map((outlet) => {
        const session = sessions.find(({ evse, connector }) => evse === outlet.evse && (connector === outlet.connector || connector === 0));
        const draws = (session?.power_w ?? 0) > 0;
        return (
          <section key={`${outlet.evse} ${outlet.connector}`} className="evse" aria-label={t("station.evse", { evse: outlet.evse, connector: outlet.connector })}>
            <div className="row">
              <b>{t("station.evse", { evse: outlet.evse, connector: outlet.connector })}</b>
              <span className="push">
                <Glow value={outlet.state}><State state={station.connected ? outlet.state : "offline"} pulse={draws && station.connected} /></Glow>
              </span>
            </div>
            {session ? (
              <>
                <div className="evse-figures">
                  <b>{power(session.power_w, t.language)}</b>
                  {session.soc_pct !== null && <span>{percent(session.soc_pct, t.language)}</span>}
                  <span>{energy(session.energy_wh, t.language)}</span>
                </div>
                {session.soc_pct !== null && <div className="meter" data-tone="charging"><i style={{ transform: `scaleX(${session.soc_pct / 100})` }} /></div>}
                <Link to="/sessions/$id" params={{ id: session.id }} className="link">{t("station.session", { token: session.token || "–" })}</Link>
              </>
            ) : (
              <span className="soft">{t("station.for", { time: duration(Math.max(0, now - Date.parse(outlet.state_at)), t.language) })}</span>
            )}
            {outlet.error && outlet.error !== "NoError" && (
              <span data-tone="faulted" style={{ color: "var(--tone)" }}>{[outlet.error, outlet.vendor_error, outlet.info].filter(Boolean).join(" · ")}</span>
            )}
          </section>
        );
      })}
    </div>
  );
}

function TabContent({ tab, station, ask }: { tab: Tab; station: StationView; ask: (command: string) => void }) {
  const t = useT();
  switch (tab) {
    case "live":
      return <Panel title={t("overview.feed")} flush><Feed station={station.id} /></Panel>;
    case "sessions":
      return <SessionTable filters={{ station: station.id }} short />;
    case "timeline":
      return <Timeline station={station} />;
    case "model":
      return <Suspense fallback={<Loading />}><Model station={station} /></Suspense>;
    case "messages":
      return <Messages station={station} />;
    case "alarms":
      return <Alarms station={station.id} />;
    case "certificates":
      return <Suspense fallback={<Loading />}><Certificates station={station} /></Suspense>;
    case "files":
      return <Files station={station} ask={ask} />;
    case "codes":
      return <Suspense fallback={<Loading />}><Codes station={station} /></Suspense>;
    case "facts":
      return <Facts station={station} />;
  }
}
