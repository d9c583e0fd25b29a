import { Button, Modal, TextInput } from "@mantine/core";
import { IconPlus, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { siteSummariesQuery } from "../../api/queries";
import { useT } from "../../i18n";
import { Loaded, Note, Page } from "../../parts/basics";
import { useMay } from "../../shell/session";
import { SiteForm } from "./SiteForm";
import { SiteTable } from "./SiteTable";

const route = getRouteApi("/sites");

export function Sites() {
  const t = useT();
  const may = useMay();
  const { find = "" } = route.useSearch();
  const navigate = useNavigate({ from: "/sites" });
  const [adding, setAdding] = useState(false);
  const query = useQuery(siteSummariesQuery);
  const words = find.toLowerCase();
  const rows = useMemo(() => (query.data ?? []).filter((one) => `${one.site} ${one.name} ${one.city} ${one.country}`.toLowerCase().includes(words)), [query.data, words]);
  return (
    <Page full title={t("nav.sites")} aside={may("stations.write") && <Button leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>{t("sites.add")}</Button>}>
      <div className="filters">
        <TextInput
          data-filter w={230} leftSection={<IconSearch size={14} aria-hidden />} placeholder={t("sites.filter")} aria-label={t("sites.filter")} value={find}
          onChange={(event) => void navigate({ search: { find: event.currentTarget.value || undefined }, replace: true })}
        />
      </div>
      <Loaded query={query} rows={10}>
        {() => <SiteTable sites={rows} empty={words !== "" ? <Note icon={IconSearch} title={t("table.no_match")} /> : undefined} />}
      </Loaded>
      <Modal opened={adding} onClose={() => setAdding(false)} title={t("sites.add")} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
        {adding && <SiteForm done={(id) => void navigate({ to: "/sites/$id", params: { id } })} />}
      </Modal>
    </Page>
  );
}
