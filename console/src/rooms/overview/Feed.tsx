import {
  IconAlertTriangle, IconBolt, IconBellOff, IconCircleCheck, IconPlug, IconPlugConnected, IconPlugConnectedX, IconPower, IconShieldExclamation, IconTerminal2, IconPointFilled, IconSparkles, type Icon,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { feed, LIVE_TYPES } from "../../api/live";
import { latelyQuery, type Happened } from "../../api/queries";
import { type Translate, useT } from "../../i18n";
import { clock, energy } from "../../lib/format";
import { useStore } from "../../lib/store";
import { useZone } from "../../lib/zones";
import { Loading, Note } from "../../parts/basics";
import { toneOf, type Tone } from "../../parts/states";

const SHOWN_MAX = 60;

const LOOKS: Readonly<Record<string, readonly [Icon, Tone]>> = {
  "station.added": [IconSparkles, "available"],
  "station.booted": [IconPower, "idle"],
  "station.connected": [IconPlugConnected, "available"],
  "station.disconnected": [IconPlugConnectedX, "faulted"],
  "station.misbehaved": [IconAlertTriangle, "waiting"],
  "station.security": [IconShieldExclamation, "waiting"],
  "connector.changed": [IconPlug, "idle"],
  "session.started": [IconBolt, "charging"],
  "session.ended": [IconCircleCheck, "available"],
  "alarm.raised": [IconAlertTriangle, "faulted"],
  "alarm.cleared": [IconBellOff, "available"],
  "command.sent": [IconTerminal2, "idle"],
  "command.answered": [IconTerminal2, "available"],
};

const IN_WORDS = new Set<string>(LIVE_TYPES);

/** What just happened, newest first, in words: as it is told, before it what was there when the page was opened. */
export function Feed({ station }: { station?: string | undefined }) {
  const t = useT();
  const told = useStore(feed);
  const lately = useQuery(latelyQuery(station));
  const shown = useMemo(() => {
    const heard = told.filter((event) => station === undefined || event.body["station"] === station);
    const before = (lately.data ?? []).filter(({ type }) => IN_WORDS.has(type));
    return [...heard, ...before].slice(0, SHOWN_MAX);
  }, [told, lately.data, station]);
  if (lately.isPending && shown.length === 0) return <Loading />;
  if (shown.length === 0) return <Note icon={IconPointFilled} title={t("feed.none")}>{t("feed.none_text")}</Note>;
  return <EventList events={shown} station={station} />;
}

/** What tells an event from all others, whether it was told or read. */
function nameOf({ at, type, body }: Happened): string {
  return `${at} ${type} ${JSON.stringify(body)}`;
}

/** Events in words, each once; without the station's name where all are of one. */
export function EventList({ events, station }: { events: readonly Happened[]; station?: string | undefined }) {
  const t = useT();
  const zone = useZone();
  const shown = new Map(events.map((event) => [nameOf(event), event]));
  return (
    <ol className="feed" style={{ maxHeight: 720 }} aria-label={t("overview.feed")} tabIndex={0}>
      {[...shown].map(([name, event]) => {
        const [Shape, tone] = LOOKS[event.type] ?? [IconPointFilled, "idle"];
        const of = String(event.body["station"] ?? "");
        return (
          <li key={name}>
            <time dateTime={event.at}>{clock(event.at, t.language, zone)}</time>
            <span data-tone={event.type === "connector.changed" ? toneOf(String(event.body["state"])) : tone} style={{ color: "var(--tone)", lineHeight: 0, paddingTop: 2 }}>
              <Shape size={15} stroke={1.8} aria-hidden />
            </span>
            <span>
              {of !== "" && station === undefined && (
                <>
                  <Link to="/stations/$id" params={{ id: of }} className="link">{of}</Link>{" "}
                </>
              )}
              {told(event, t)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function told(event: Happened, t: Translate): string {
  const { body } = event;
  const text = (name: string) => String(body[name] ?? "");
  switch (event.type) {
    case "connector.changed":
      return t("feed.connector", { evse: text("evse_no"), state: t.word("state", text("state")), error: text("error") && ` (${text("error")})` });
    case "session.started":
      return t("feed.started", { evse: text("evse_no"), token: text("token") });
    case "session.ended":
      return t("feed.ended", { evse: text("evse_no"), energy: energy(Number(body["energy_wh"]), t.language) });
    case "station.booted":
      return t("feed.booted", { model: `${text("vendor")} ${text("model")}`, firmware: text("firmware") });
    case "station.disconnected":
      return t("feed.disconnected", { reason: text("reason") });
    case "station.misbehaved":
      return t("feed.misbehaved", { what: text("what") });
    case "station.security":
      return t("feed.security", { kind: text("kind") });
    case "alarm.raised":
      return t("feed.alarm", { text: text("text") || text("key") });
    default:
      return t.word("event", event.type);
  }
}
