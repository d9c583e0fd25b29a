import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { settingsQuery, stationQuery } from "../../api/queries";
import { useT } from "../../i18n";
import { QrCode } from "../../parts/QrCode";
import { State } from "../../parts/states";

/** What to enter at the station, and whether it has come. */
export function PointHere({ station, password }: { station: string; password: string }) {
  const t = useT();
  const settings = useQuery(settingsQuery);
  const url = settings.data ? `${settings.data.ocpp.url}${encodeURIComponent(station)}` : "…";
  const seen = useQuery(stationQuery(station));
  return (
    <div className="stack">
      <p>{t("point.text")}</p>
      <div className="row wrap" style={{ gap: 20, alignItems: "flex-start" }}>
        <QrCode text={url} label={t("point.qr", { url })} />
        <dl className="facts" style={{ flex: 1, minWidth: 240, alignItems: "center" }}>
          <Copied label={t("point.url")} value={url} />
          <Copied label={t("point.identity")} value={station} />
          <Copied label={t("point.password")} value={password} />
        </dl>
      </div>
      <p className="soft">{t("point.once")}</p>
      <div className="row" role="status">
        <State state={seen.data?.connected ? "online" : "pending"} label={seen.data?.connected ? t("point.arrived") : t("point.waiting")} />
        {seen.data?.connected && <Link to="/stations/$id" params={{ id: station }} className="link">{station}</Link>}
      </div>
    </div>
  );
}

function Copied({ label, value }: { label: string; value: string }) {
  const t = useT();
  return (
    <>
      <dt>{label}</dt>
      <dd className="row">
        <code>{value}</code>
        <CopyButton value={value}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? t("copied") : t("copy")}>
              <ActionIcon size="sm" onClick={copy} aria-label={`${t("copy")}: ${label}`}>
                {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      </dd>
    </>
  );
}
