import { NativeSelect, SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { siteSummariesQuery } from "../../api/queries";
import { useT } from "../../i18n";
import { Page } from "../../parts/basics";
import { ExportCsv } from "../../parts/Export";
import { useMay } from "../../shell/session";
import type { SessionsSearch } from "./index";
import { SessionTable } from "./SessionTable";

const route = getRouteApi("/sessions");

export function Sessions() {
  const t = useT();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/sessions" });
  const change = (changed: Partial<SessionsSearch>) => void navigate({ search: { ...search, ...changed }, replace: true });
  const may = useMay();
  const sites = useQuery({ ...siteSummariesQuery, enabled: may("stations.read") });
  const find = useDebouncedCallback((value: string) => change({ q: value.trim() || undefined, station: undefined }), 250);
  return (
    <Page full title={t("nav.sessions")} aside={<ExportCsv path="/api/v1/sessions" filters={{ ...search }} />}>
      <div className="filters">
        <TextInput
          data-filter w={300} leftSection={<IconSearch size={14} aria-hidden />} placeholder={t("sessions.find")} aria-label={t("sessions.find")}
          defaultValue={search.q ?? search.station ?? ""} onChange={(event) => find(event.currentTarget.value)}
        />
        <SegmentedControl
          aria-label={t("stations.state")} value={search.state ?? ""}
          onChange={(value) => change({ state: value === "active" || value === "ended" ? value : undefined })}
          data={[{ value: "", label: t("all") }, { value: "active", label: t("state.active") }, { value: "ended", label: t("state.ended") }]}
        />
        {sites.data !== undefined && sites.data.length > 1 && (
          <NativeSelect
            aria-label={t("stations.site")} value={search.site ?? ""} onChange={(event) => change({ site: event.currentTarget.value || undefined })}
            data={[{ value: "", label: t("stations.all_sites") }, ...sites.data.map(({ site, name }) => ({ value: site, label: name }))]}
          />
        )}
      </div>
      <SessionTable filters={search} onSort={(sort) => change({ sort })} />
    </Page>
  );
}
