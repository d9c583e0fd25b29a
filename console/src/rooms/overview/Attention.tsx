import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconCircleCheck } from "@tabler/icons-react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { useT } from "../../i18n";
import type { ConnectorView, StationView } from "../../api/schema";
import { Ago, Loaded, Note, Panel } from "../../parts/basics";
import { State } from "../../parts/states";

const LOOKED_AT = 1000;
const SHOWN_MAX = 12;

/** Stations that are faulted or away: what somebody should look at first. */
export function Attention({ up }: { up: number }) {
  const t = useT();
  const stations = useQuery({
    queryKey: keys.attention,
    queryFn: () => ask(api.GET("/api/v1/stations", { params: { query: { limit: LOOKED_AT } } })),
  });
  return (
    <Panel title={t("attention.title")} aside={up > 0 && <span className="soft">{t("attention.alarms", { n: up })}</span>} flush>
      <Loaded query={stations} rows={3}>
        {({ items }) => {
          const troubled = items.flatMap(troubles);
          if (troubled.length === 0) return <Note icon={IconCircleCheck} title={t("attention.none")} />;
          return (
            <ul className="feed">
              {troubled.slice(0, SHOWN_MAX).map(({ station, fault, since }) => (
                <li key={`${station.id} ${fault?.evse ?? ""}`} style={{ gridTemplateColumns: "minmax(0, 1fr) auto" }}>
                  <span className="row">
                    <Link to="/stations/$id" params={{ id: station.id }} className="link">{station.id}</Link>
                    <State state={fault ? "faulted" : "offline"} />
                    <span className="soft cut">
                      {fault ? `EVSE ${fault.evse} · ${fault.error || fault.vendor_error || fault.info}` : station.site}
                    </span>
                  </span>
                  <Ago at={since} />
                </li>
              ))}
              {troubled.length > SHOWN_MAX && <li className="soft">{t("attention.more", { n: troubled.length - SHOWN_MAX })}</li>}
            </ul>
          );
        }}
      </Loaded>
    </Panel>
  );
}

interface Trouble {
  station: StationView;
  fault: ConnectorView | null;
  since: string;
}

function troubles(station: StationView): Trouble[] {
  const faults = station.connectors.filter(({ state }) => state === "faulted");
  if (faults.length > 0) return faults.map((fault) => ({ station, fault, since: fault.state_at }));
  if (station.connected) return [];
  return [{ station, fault: null, since: station.disconnected_at ?? station.created_at }];
}
