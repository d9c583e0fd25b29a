/** What a station holds, what was issued to it, and what it asked for; renewed and revoked in place. */
import { Button, Modal, NativeSelect } from "@mantine/core";
import { IconCertificate, IconCertificateOff, IconRefresh } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { certificatesQuery } from "../../api/queries";
import type { CertificateView, HeldView, Reason, RequestView, StationView } from "../../api/schema";
import { useT } from "../../i18n";
import { exact } from "../../lib/format";
import { useZone } from "../../lib/zones";
import { useNow } from "../../lib/now";
import { Ago, Loaded, Note, Panel, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";
import { command } from "./CommandDrawer";

const SOON_MS = 30 * 86_400_000;
const REASONS: readonly Reason[] = ["unspecified", "keyCompromise", "superseded", "cessationOfOperation", "affiliationChanged"];
/** What a station is asked to send for a certificate of this use. */
const RENEWALS: Readonly<Record<string, string>> = { station: "sign_certificate", v2g: "sign_v2g_certificate", v2g20: "sign_v2g20_certificate" };

export function Certificates({ station }: { station: StationView }) {
  const query = useQuery(certificatesQuery(station.id));
  return (
    <Loaded query={query}>
      {({ issued, requests, held }) => (
        <div className="stack">
          <Issued station={station} rows={issued} />
          <Held station={station} rows={held} />
          <Requests rows={requests} />
        </div>
      )}
    </Loaded>
  );
}

/** A command whose answer is told beside the button. */
function useAsked(station: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Record<string, unknown>) => command(station, body),
    onSettled: () => client.invalidateQueries({ queryKey: keys.certificates(station) }),
  });
}

function Said({ asked }: { asked: ReturnType<typeof useAsked> }) {
  const t = useT();
  return (
    <span aria-live="polite">
      {asked.data && <span className="soft">{t("session.stop_answer", { status: asked.data.answer.status || t.word("outcome", asked.data.answer.outcome) })} {asked.data.answer.reason}</span>}
      <Refused error={asked.error} />
    </span>
  );
}

function standingOf(one: { expires_at: string | null; revoked_at?: string | null }, now: number): string {
  if (one.revoked_at) return "revoked";
  if (one.expires_at === null) return "unknown";
  const left = Date.parse(one.expires_at) - now;
  return left < 0 ? "expired" : left < SOON_MS ? "expiring" : "valid";
}

function Expires({ at }: { at: string | null }) {
  const t = useT();
  const zone = useZone();
  return at === null ? <span className="soft">–</span> : <time dateTime={at}>{exact(at, t.language, zone)}</time>;
}

function Issued({ station, rows }: { station: StationView; rows: readonly CertificateView[] }) {
  const t = useT();
  const may = useMay();
  const now = useNow();
  const asked = useAsked(station.id);
  const [revoking, setRevoking] = useState<CertificateView | null>(null);
  const renew = (one: CertificateView) => asked.mutate({ command: "trigger", message: RENEWALS[one.use] });
  const columns: Column<CertificateView>[] = [
    { id: "state", head: t("stations.state"), width: "120px", cell: (one) => <State state={standingOf(one, now)} group="certificate" /> },
    { id: "use", head: t("certificates.use"), width: "minmax(120px, 1fr)", cell: (one) => t.word("certificate_use", one.use) },
    { id: "subject", head: t("certificates.subject"), width: "minmax(110px, 1fr)", cell: (one) => one.subject },
    { id: "serial", head: t("certificates.serial"), width: "minmax(120px, 1.2fr)", cell: (one) => <span className="mono" title={one.fingerprint}>{one.serial}</span> },
    { id: "expires", head: t("certificates.expires"), width: "minmax(150px, 1fr)", cell: (one) => <Expires at={one.expires_at} /> },
    {
      id: "act", head: <span className="sr">{t("actions")}</span>, width: "170px", numeric: true,
      cell: (one) =>
        !one.revoked_at && (
          <span className="row" style={{ justifyContent: "flex-end" }}>
            {may("commands.send") && RENEWALS[one.use] && <Button variant="default" size="compact-xs" disabled={!station.connected} onClick={() => renew(one)}>{t("certificates.renew")}</Button>}
            {may("certificates.write") && <Button variant="default" color="red" size="compact-xs" onClick={() => setRevoking(one)}>{t("apikeys.revoke")}</Button>}
          </span>
        ),
    },
  ];
  return (
    <Panel
      title={t("certificates.issued")} flush={rows.length > 0}
      aside={may("commands.send") && <><Said asked={asked} /><Button variant="default" disabled={!station.connected} loading={asked.isPending} onClick={() => asked.mutate({ command: "trigger", message: "sign_certificate" })}>{t("certificates.ask_new")}</Button></>}
    >
      {rows.length === 0 ? (
        <Note icon={IconCertificateOff} title={t("certificates.none_issued")}>{t("certificates.none_issued_text")}</Note>
      ) : (
        <DataTable bare short label={t("certificates.issued")} rows={rows} columns={columns} id={(one) => one.id} empty={null} card={(one) => <><span className="row"><b>{t.word("certificate_use", one.use)}</b><span className="push"><State state={standingOf(one, now)} group="certificate" /></span></span><span className="mono cut">{one.serial}</span><br /><Expires at={one.expires_at} /></>} />
      )}
      <Modal opened={revoking !== null} onClose={() => setRevoking(null)} title={t("certificates.revoke")} closeButtonProps={{ "aria-label": t("close") }}>
        {revoking && <Revoke station={station} one={revoking} done={() => setRevoking(null)} />}
      </Modal>
    </Panel>
  );
}

function Revoke({ station, one, done }: { station: StationView; one: CertificateView; done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const [reason, setReason] = useState<Reason>("unspecified");
  const revoke = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/certificates/{certificate}/revoke", { params: { path: { certificate: one.id } }, body: { reason } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.certificates(station.id) });
      done();
    },
  });
  return (
    <div className="stack">
      <p>{t("certificates.revoke_text", { station: station.id })}</p>
      <dl className="facts"><dt>{t("certificates.serial")}</dt><dd className="mono">{one.serial}</dd></dl>
      <NativeSelect label={t("certificates.reason")} value={reason} onChange={(event) => setReason(event.currentTarget.value as Reason)} data={REASONS.map((value) => ({ value, label: t.word("revocation", value) }))} />
      <Refused error={revoke.error} />
      <div className="row"><Button color="red.9" loading={revoke.isPending} onClick={() => revoke.mutate()}>{t("apikeys.revoke")}</Button></div>
    </div>
  );
}

function Held({ station, rows }: { station: StationView; rows: readonly HeldView[] }) {
  const t = useT();
  const may = useMay();
  const now = useNow();
  const asked = useAsked(station.id);
  const drop = (one: HeldView) =>
    asked.mutate({ command: "delete_certificate", use: one.kind, certificate: { algorithm: one.hash_algorithm, issuer_name_hash: one.issuer_name_hash, issuer_key_hash: one.issuer_key_hash, serial: one.serial } });
  const columns: Column<HeldView>[] = [
    { id: "state", head: t("stations.state"), width: "120px", cell: (one) => <State state={standingOf(one, now)} group="certificate" /> },
    { id: "kind", head: t("certificates.use"), width: "minmax(120px, 1fr)", cell: (one) => t.word("certificate_use", one.kind) },
    { id: "subject", head: t("certificates.subject"), width: "minmax(110px, 1fr)", cell: (one) => one.subject || <span className="soft">{t("certificates.foreign")}</span> },
    { id: "serial", head: t("certificates.serial"), width: "minmax(120px, 1.2fr)", cell: (one) => <span className="mono">{one.serial}</span> },
    { id: "expires", head: t("certificates.expires"), width: "minmax(150px, 1fr)", cell: (one) => <Expires at={one.expires_at} /> },
    { id: "told", head: t("model.reported"), width: "110px", numeric: true, cell: (one) => <Ago at={one.reported_at} /> },
    { id: "act", head: <span className="sr">{t("actions")}</span>, width: "90px", numeric: true, cell: (one) => may("commands.send") && <Button variant="default" size="compact-xs" disabled={!station.connected} onClick={() => drop(one)}>{t("remove")}</Button> },
  ];
  return (
    <Panel
      title={t("certificates.held")} flush={rows.length > 0}
      aside={may("commands.send") && <><Said asked={asked} /><Button variant="default" leftSection={<IconRefresh size={14} />} disabled={!station.connected} loading={asked.isPending} onClick={() => asked.mutate({ command: "get_certificates" })}>{t("certificates.ask")}</Button></>}
    >
      {rows.length === 0 ? (
        <Note icon={IconCertificate} title={t("certificates.none_held")}>{t("certificates.none_held_text")}</Note>
      ) : (
        <DataTable bare short label={t("certificates.held")} rows={rows} columns={columns} id={(one) => `${one.kind} ${one.serial} ${one.issuer_key_hash}`} empty={null} card={(one) => <><span className="row"><b>{t.word("certificate_use", one.kind)}</b><span className="push"><State state={standingOf(one, now)} group="certificate" /></span></span><span className="mono cut">{one.serial}</span><br /><Expires at={one.expires_at} /></>} />
      )}
    </Panel>
  );
}

function Requests({ rows }: { rows: readonly RequestView[] }) {
  const t = useT();
  const columns: Column<RequestView>[] = [
    { id: "state", head: t("stations.state"), width: "130px", cell: (one) => <State state={one.state} group="request" /> },
    { id: "use", head: t("certificates.use"), width: "minmax(120px, 1fr)", cell: (one) => t.word("certificate_use", one.use) },
    { id: "subject", head: t("certificates.subject"), width: "minmax(110px, 1fr)", cell: (one) => one.subject },
    { id: "detail", head: t("certificates.detail"), width: "minmax(140px, 2fr)", cell: (one) => <span title={one.detail}>{one.detail || <span className="soft">–</span>}</span> },
    { id: "asked", head: t("certificates.asked"), width: "120px", numeric: true, cell: (one) => <Ago at={one.requested_at} /> },
    { id: "settled", head: t("certificates.settled"), width: "120px", numeric: true, cell: (one) => <Ago at={one.settled_at} /> },
  ];
  return (
    <Panel title={t("certificates.requests")} flush={rows.length > 0}>
      {rows.length === 0 ? (
        <p className="soft">{t("certificates.none_requested")}</p>
      ) : (
        <DataTable bare short label={t("certificates.requests")} rows={rows} columns={columns} id={(one) => one.id} empty={null} card={(one) => <><span className="row"><b>{t.word("certificate_use", one.use)}</b><span className="push"><State state={one.state} group="request" /></span></span>{one.subject}<br /><Ago at={one.requested_at} /></>} />
      )}
    </Panel>
  );
}
