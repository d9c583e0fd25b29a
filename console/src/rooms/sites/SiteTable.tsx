import { IconMapPin } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { SiteSummary } from "../../api/schema";
import { useT } from "../../i18n";
import { count, energy, hour, power } from "../../lib/format";
import { useNow } from "../../lib/now";
import { Note } from "../../parts/basics";
import { CellLink } from "../../parts/CellLink";
import { type Column, DataTable } from "../../parts/DataTable";
import { PortLine } from "../../parts/ports";

export function SiteTable({ sites, short = false, empty }: { sites: readonly SiteSummary[]; short?: boolean; empty?: ReactNode }) {
  const t = useT();
  const now = useNow();
  const navigate = useNavigate();
  const columns: Column<SiteSummary>[] = [
    { id: "name", head: t("sites.name"), width: "minmax(130px, 1.4fr)", cell: (one) => <CellLink to="/sites/$id" id={one.site}>{one.name}</CellLink> },
    // Beside other panels there is room for less.
    ...(short ? [] : [{ id: "city", head: t("sites.city"), width: "minmax(90px, 1fr)", cell: (one: SiteSummary) => [one.city, one.country].filter(Boolean).join(", ") || <span className="soft">–</span> }]),
    { id: "ports", head: t("sites.ports"), width: short ? "minmax(140px, 1.2fr)" : "minmax(150px, 1.2fr)", cell: (one) => <PortLine ports={one.ports} /> },
    { id: "power", head: t("overview.power"), width: "84px", numeric: true, cell: (one) => power(one.power_w, t.language) },
    { id: "sessions", head: t("nav.sessions"), width: "76px", numeric: true, cell: (one) => count(one.sessions_running, t.language) },
    { id: "today", head: t("overview.energy"), width: "104px", numeric: true, cell: (one) => energy(one.energy_today_wh, t.language) },
    { id: "clock", head: t("sites.clock"), width: short ? "minmax(44px, 1fr)" : "190px", cell: (one) => <span title={one.zone}>{hour(now, t.language, one.zone)} <span className="soft">{one.zone}</span></span> },
  ];
  return (
    <DataTable
      label={t("nav.sites")} rows={sites} columns={columns} id={(one) => one.site} short={short} cardHeight={84}
      open={(one) => void navigate({ to: "/sites/$id", params: { id: one.site } })}
      empty={empty ?? <Note icon={IconMapPin} title={t("sites.none")}>{t("sites.none_text")}</Note>}
      card={(one) => (
        <Link to="/sites/$id" params={{ id: one.site }} style={{ display: "block" }}>
          <span className="row"><b className="cut">{one.name}</b><span className="push nowrap">{power(one.power_w, t.language)}</span></span>
          <span className="row soft"><span className="cut">{[one.city, one.country].filter(Boolean).join(", ")}</span><span className="push nowrap">{energy(one.energy_today_wh, t.language)}</span></span>
          <PortLine ports={one.ports} />
        </Link>
      )}
    />
  );
}
