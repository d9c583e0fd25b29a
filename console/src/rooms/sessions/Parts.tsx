/** Parts of a session's page: periods, signed values word for word, and what was said on the wire. */
import { Button, CopyButton } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { costsQuery, sessionEventsQuery, sessionMessagesQuery } from "../../api/queries";
import type { MessageView, ReadingView, SessionView } from "../../api/schema";
import { useT } from "../../i18n";
import { clock, duration, energy, exact, power } from "../../lib/format";
import { useZone } from "../../lib/zones";
import { Loaded, Note, Panel } from "../../parts/basics";
import { pretty, Way } from "../stations/Messages";
import { withLatency } from "../stations/exchange";
import { periodsOf } from "./periods";
import { signedIn } from "./signed";

export function Periods({ readings }: { readings: readonly ReadingView[] }) {
  const zone = useZone();
  const t = useT();
  const periods = useMemo(() => periodsOf(readings), [readings]);
  if (periods.length === 0) return <p className="soft" style={{ padding: 14 }}>{t("session.no_curve_text")}</p>;
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={t("session.periods")}>
      <table className="plain">
        <thead><tr><th>{t("session.period")}</th><th>{t("session.started")}</th><th className="num">{t("sessions.lasted")}</th><th className="num">{t("sessions.energy")}</th><th className="num">{t("session.peak")}</th></tr></thead>
        <tbody>
          {periods.map((one) => (
            <tr key={one.from}>
              <td>{t(`period.${one.kind}`)}</td>
              <td>{clock(one.from, t.language, zone)}</td>
              <td className="num">{duration(one.to - one.from, t.language)}</td>
              <td className="num">{energy(one.energyWh, t.language, 3)}</td>
              <td className="num">{one.kind === "paused" ? "–" : power(one.peakW, t.language)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What the meter signed, as it came. Nobody has checked it, and it says so. */
export function SignedValues({ readings }: { readings: readonly ReadingView[] }) {
  const zone = useZone();
  const t = useT();
  const found = useMemo(() => signedIn(readings), [readings]);
  if (found.length === 0) return <Note title={t("signed.none")}>{t("signed.none_text")}</Note>;
  return (
    <div className="stack">
      <div className="banner" data-tone="waiting"><IconAlertTriangle size={16} aria-hidden /><span>{t("signed.unchecked")}</span></div>
      {found.map((one) => (
        <details key={`${one.at} ${one.text}`} className="signed">
          <summary>
            {exact(one.at, t.language, zone)} <span className="soft">{[one.context, one.format || t("signed.format_unknown"), one.key ? t("signed.with_key") : t("signed.no_key")].filter(Boolean).join(" · ")}</span>
          </summary>
          <dl className="facts">
            <dt>{t("signed.format")}</dt><dd>{one.format || t("signed.format_unknown")}</dd>
            <dt>{t("signed.method")}</dt><dd>{one.method || "–"}</dd>
            <dt>{t("signed.key")}</dt><dd className="mono">{one.key || t("signed.no_key")}</dd>
            <dt>{t("signed.check")}</dt><dd>{t("signed.not_checked")}</dd>
          </dl>
          <pre className="json" tabIndex={0}>{one.text}</pre>
          <CopyButton value={one.text}>{({ copied, copy }) => <Button variant="default" onClick={copy}>{copied ? t("copied") : t("copy")}</Button>}</CopyButton>
        </details>
      ))}
    </div>
  );
}

/** The raw messages that name this session's transaction, oldest first. */
export function SessionMessages({ session }: { session: SessionView }) {
  const t = useT();
  const query = useQuery(sessionMessagesQuery(session));
  return (
    <Loaded query={query}>
      {(messages) =>
        messages.length === 0 ? <Note title={t("session.no_messages")}>{t("session.no_messages_text")}</Note> : <Frames messages={messages} />
      }
    </Loaded>
  );
}

function Frames({ messages }: { messages: readonly MessageView[] }) {
  const zone = useZone();
  const t = useT();
  const said = useMemo(() => withLatency(messages).reverse(), [messages]);
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={t("session.messages")}>
      {said.map((one) => (
        <details key={one.key} className="frame">
          <summary>
            <span className="row"><time dateTime={one.message.at} className="soft">{clock(one.message.at, t.language, zone)}</time><Way message={one.message} /><b>{one.message.action}</b><span className="soft">{t.word("frame", one.kind)}</span><span className="soft push">{one.message.frame.length} B</span></span>
          </summary>
          <pre className="json" tabIndex={0}>{pretty(one.message.frame)}</pre>
        </details>
      ))}
    </div>
  );
}

/** What a station of OCPP 2.x said of the session, word for word; those of 1.6 have no events. */
function SessionEvents({ session }: { session: SessionView }) {
  const zone = useZone();
  const t = useT();
  const events = useQuery(sessionEventsQuery(session.id));
  const told = events.data?.items ?? [];
  if (told.length === 0) return null;
  return (
    <Panel title={t("session.events")} flush>
      <div className="scroll" tabIndex={0} role="region" aria-label={t("session.events")}>
        {told.map((one) => (
          <details key={`${one.seq_no} ${one.at}`} className="frame">
            <summary>
              <span className="row"><time dateTime={one.at} className="soft">{clock(one.at, t.language, zone)}</time><b>{t.word("event_kind", one.kind)}</b><span className="soft">{one.trigger}</span>{one.offline && <span className="soft">{t("session.offline")}</span>}<span className="soft push">#{one.seq_no}</span></span>
            </summary>
            <pre className="json" tabIndex={0}>{JSON.stringify(one.body, null, 2)}</pre>
          </details>
        ))}
      </div>
    </Panel>
  );
}

/** What the station itself reckons as cost (2.1); there is no other price yet, and it says so. */
export function Cost({ session }: { session: SessionView }) {
  const t = useT();
  const costs = useQuery(costsQuery(session.station));
  const found = costs.data?.items.find(({ transaction }) => transaction === session.transaction);
  const amount = found?.incl_tax ?? found?.excl_tax;
  if (!found || amount === null || amount === undefined || found.currency === null) return <span className="soft">{t("session.no_price")}</span>;
  return <>{new Intl.NumberFormat(t.language, { style: "currency", currency: found.currency }).format(Number(amount))} <span className="soft">{t("session.station_reckons")}</span></>;
}

export function SessionPanels({ session, readings }: { session: SessionView; readings: readonly ReadingView[] }) {
  const t = useT();
  return (
    <>
      <Panel title={t("session.periods")} flush><Periods readings={readings} /></Panel>
      <Panel title={t("signed.title")}><SignedValues readings={readings} /></Panel>
      <SessionEvents session={session} />
      <Panel title={t("session.messages")} flush><SessionMessages session={session} /></Panel>
    </>
  );
}
