/** The last day: each connector's states as bars, connection gaps, faults, sessions; and the events behind them. */
import { IconTimeline } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { timelineQuery } from "../../api/queries";
import type { StationView } from "../../api/schema";
import { useT } from "../../i18n";
import { clock, exact } from "../../lib/format";
import { useNow } from "../../lib/now";
import { useZone } from "../../lib/zones";
import { Loaded, Note, Panel } from "../../parts/basics";
import { State, toneOf } from "../../parts/states";
import { EventList } from "../overview/Feed";
import { lanes, type Span } from "./lanes";

const LISTED_MAX = 200;
const DAY_MS = 86_400_000;

export function Timeline({ station }: { station: StationView }) {
  const t = useT();
  const zone = useZone();
  const now = useNow();
  const timeline = useQuery(timelineQuery(station.id));
  const events = useMemo(() => timeline.data ?? [], [timeline.data]);
  const rows = useMemo(() => lanes(station, events, now), [station, events, now]);
  const from = Math.max(now - DAY_MS, Math.min(...rows.flatMap(({ spans }) => spans.map((span) => span.from)), now - 60_000));
  const at = (moment: number) => `${(100 * (moment - from)) / (now - from)}%`;
  const seen = [...new Set(rows.flatMap(({ spans }) => spans.map(({ state }) => state)))];
  return (
    <Loaded query={timeline}>
      {() =>
        events.length === 0 ? (
          <Panel><Note icon={IconTimeline} title={t("timeline.none")}>{t("timeline.none_text")}</Note></Panel>
        ) : (
          <>
            <Panel title={t("timeline.title")} aside={<span className="soft">{exact(new Date(from), t.language, zone)} – {clock(now, t.language, zone)}</span>}>
              <div className="lanes">
                {rows.map((row) => (
                  <div key={row.key} className="lane">
                    <span className="soft nowrap">{row.evse === 0 ? t("timeline.connection") : `EVSE ${row.evse}/${row.connector}`}</span>
                    <div className="lane-bar">
                      {row.spans.map((span) => <Bar key={`${span.from} ${span.state}`} span={span} at={at} />)}
                    </div>
                  </div>
                ))}
              </div>
              <div className="row wrap" style={{ gap: "4px 16px", marginTop: 10 }}>{seen.map((state) => <State key={state} state={state} />)}</div>
            </Panel>
            <Panel title={t("timeline.events")} flush>
              <EventList station={station.id} events={[...events].reverse().slice(0, LISTED_MAX)} />
            </Panel>
          </>
        )
      }
    </Loaded>
  );
}

function Bar({ span, at }: { span: Span; at: (moment: number) => string }) {
  const t = useT();
  const zone = useZone();
  const title = `${t.word("state", span.state)} · ${exact(new Date(span.from), t.language, zone)} – ${clock(span.to, t.language, zone)}${span.error ? ` · ${span.error}` : ""}`;
  return (
    <i
      data-tone={toneOf(span.state)} data-quiet={span.state === "available" || span.state === "online" || undefined} title={title}
      style={{ left: at(span.from), right: `calc(100% - ${at(span.to)})` }}
    />
  );
}
