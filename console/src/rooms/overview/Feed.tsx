import {
  IconAlertTriangle, IconBolt, IconBellOff, IconCircleCheck, IconPlug, IconPlugConnected, IconPlugConnectedX, IconPower, IconShieldExclamation, IconTerminal2, IconPointFilled, IconSparkles, type Icon,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { feed, type LiveEvent } from "../../api/live";
import { type Translate, useT } from "../../i18n";
import { clock, energy } from "../../lib/format";
import { useStore } from "../../lib/store";
import { useZone } from "../../lib/zones";
import { Note } from "../../parts/basics";
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

/** What just happened, newest first, in words. */
export function Feed({ station }: { station?: string | undefined }) {
  const t = useT();
  const events = useStore(feed);
  const shown = events.filter((event) => event.type !== "session.progress" && (station === undefined || event.body["station"] === station)).slice(0, SHOWN_MAX);
  if (shown.length === 0) return <Note icon={IconPointFilled} title={t("feed.none")}>{t("feed.none_text")}</Note>;
  return <EventList events={shown} station={station} />;
}

/** Events in words; without the station's name where all are of one. */
export function EventList({ events: shown, station }: { events: readonly LiveEvent[]; station?: string | undefined }) {
  const t = useT();
  const zone = useZone();
  return (
    <ol className="feed" style={{ maxHeight: 720 }} aria-label={t("overview.feed")} tabIndex={0}>
      {shown.map((event) => {
        const [Shape, tone] = LOOKS[event.type] ?? [IconPointFilled, "idle"];
        const of = String(event.body["station"] ?? "");
        return (
          <li key={event.id || `${event.at} ${event.type} ${event.subject}`}>
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

function told(event: LiveEvent, t: Translate): string {
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
