import { SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useT } from "../../i18n";
import { Page } from "../../parts/basics";
import { SessionTable } from "./SessionTable";

const route = getRouteApi("/sessions");

export function Sessions() {
  const t = useT();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/sessions" });
  const station = useDebouncedCallback((value: string) => void navigate({ search: { ...search, station: value.trim() || undefined }, replace: true }), 250);
  return (
    <Page full title={t("nav.sessions")}>
      <div className="filters">
        <TextInput
          data-filter w={230} leftSection={<IconSearch size={14} aria-hidden />} placeholder={t("sessions.station")} aria-label={t("sessions.station")}
          defaultValue={search.station ?? ""} onChange={(event) => station(event.currentTarget.value)}
        />
        <SegmentedControl
          aria-label={t("stations.state")} value={search.state ?? ""}
          onChange={(value) => void navigate({ search: { ...search, state: value === "active" || value === "ended" ? value : undefined }, replace: true })}
          data={[{ value: "", label: t("all") }, { value: "active", label: t("state.active") }, { value: "ended", label: t("state.ended") }]}
        />
      </div>
      <SessionTable filters={search} />
    </Page>
  );
}
