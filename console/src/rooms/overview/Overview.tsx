import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Overview as Seen } from "../../api/schema";
import { overviewQuery } from "../../api/queries";
import { useT } from "../../i18n";
import { count, energy, power } from "../../lib/format";
import { useStore } from "../../lib/store";
import { Glow, Loaded, Page, Panel } from "../../parts/basics";
import { PowerDay } from "../../parts/PowerDay";
import { State, toneOf } from "../../parts/states";
import { Attention } from "./Attention";
import { Feed } from "./Feed";
import { SitesPanel } from "./SitesPanel";
import { powerTrail } from "./trail";

export function Overview() {
  const t = useT();
  const overview = useQuery(overviewQuery);
  return (
    <Page title={t("nav.overview")}>
      <Loaded query={overview}>
        {(seen) => (
          <>
            <Tiles seen={seen} />
            <div className="split">
              <SitesPanel />
              <Attention up={seen.alarms} />
            </div>
            <div className="split">
              <div className="stack">
                <Power />
                <Connectors states={seen.connectors} />
              </div>
              <Panel title={t("overview.feed")} flush>
                <Feed />
              </Panel>
            </div>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Tiles({ seen }: { seen: Seen }) {
  const t = useT();
  const number = (value: number) => count(value, t.language);
  const away = seen.stations_known - seen.stations_connected;
  return (
    <div className="tiles">
      <Tile
        label={t("overview.stations")}
        to="/stations"
        value={<>{number(seen.stations_connected)}<small> / {number(seen.stations_known)}</small></>}
        note={away === 0 ? t("overview.all_online") : t("overview.away", { n: number(away) })}
      />
      <Tile label={t("overview.sessions")} to="/sessions" value={number(seen.sessions_running)} note={t("overview.running")} />
      <Tile
        label={t("overview.power")}
        value={power(seen.power_w, t.language)}
        note={seen.sessions_running === 0 ? "" : t("overview.each", { power: power(seen.power_w / seen.sessions_running, t.language) })}
      />
      <Tile label={t("overview.energy")} value={energy(seen.energy_today_wh, t.language)} note={t("overview.today", { n: number(seen.sessions_today), zone: seen.zone })} />
      <Tile label={t("overview.alarms")} value={number(seen.alarms)} note={seen.alarms === 0 ? t("overview.quiet") : t("overview.look")} />
    </div>
  );
}

function Tile({ label, value, note, to }: { label: string; value: ReactNode; note: ReactNode; to?: "/stations" | "/sessions" }) {
  const content = (
    <>
      <div className="tile-label">{label}</div>
      <div className="tile-value">{value}</div>
      <div className="tile-note cut">{note}</div>
    </>
  );
  return to ? <Link to={to} className="tile">{content}</Link> : <div className="tile">{content}</div>;
}

/** The last day, and what was told since this page was opened. */
function Power() {
  const t = useT();
  const trail = useStore(powerTrail);
  return (
    <Panel title={t("overview.day_chart")}>
      <PowerDay live={trail} />
    </Panel>
  );
}

const ORDER = ["charging", "occupied", "preparing", "finishing", "suspended_ev", "suspended_evse", "reserved", "available", "unavailable", "faulted", "unknown"];

function Connectors({ states }: { states: Readonly<Record<string, number>> }) {
  const t = useT();
  const held = Object.entries(states)
    .filter(([, n]) => n > 0)
    .sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b));
  const total = held.reduce((sum, [, n]) => sum + n, 0);
  return (
    <Panel title={t("overview.connectors")} aside={<span className="soft">{count(total, t.language)}</span>}>
      <div className="bars" aria-hidden>
        {held.map(([state, n]) => <i key={state} data-tone={toneOf(state)} style={{ flex: n }} />)}
      </div>
      <div className="legend">
        {held.map(([state, n]) => (
          <span key={state} className="row">
            <State state={state} />
            <span className="push"><Glow value={n}>{count(n, t.language)}</Glow></span>
          </span>
        ))}
      </div>
    </Panel>
  );
}
