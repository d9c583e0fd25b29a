import { Button, Modal, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconClipboardList, IconShieldCheck } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { api, ask } from "../../api/client";
import { type AuditSort, auditQuery } from "../../api/queries";
import type { DeedView } from "../../api/schema";
import { useT } from "../../i18n";
import { count, exact } from "../../lib/format";
import { useZone } from "../../lib/zones";
import { Ago, Loaded, Note, Page, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { ExportCsv } from "../../parts/Export";
import { State } from "../../parts/states";

const route = getRouteApi("/audit");

export function Audit() {
  const t = useT();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/audit" });
  const [open, setOpen] = useState<DeedView | null>(null);
  const query = useInfiniteQuery(auditQuery(search));
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query;
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);
  const filter = useDebouncedCallback((change: typeof search) => void navigate({ search: { ...search, ...change }, replace: true }), 250);
  const verify = useMutation({ mutationFn: () => ask(api.GET("/api/v1/audit/verdict")) });
  const columns: Column<DeedView>[] = [
    { id: "seq", sort: "seq", head: "#", width: "56px", numeric: true, cell: (deed) => <span className="soft">{deed.seq}</span> },
    { id: "at", head: t("messages.at"), width: "140px", cell: (deed) => <Ago at={deed.at} /> },
    { id: "actor", head: t("audit.actor"), width: "minmax(140px, 1fr)", cell: (deed) => deed.actor },
    { id: "action", head: t("audit.action"), width: "minmax(140px, 1fr)", cell: (deed) => <button type="button" className="plain" onClick={() => setOpen(deed)}><b style={{ fontWeight: 500 }}>{deed.action}</b></button> },
    { id: "subject", head: t("audit.subject"), width: "minmax(140px, 1fr)", cell: (deed) => deed.subject },
    { id: "after", head: t("audit.after"), width: "minmax(160px, 2fr)", cell: (deed) => <span className="mono soft">{deed.after || deed.before}</span> },
    { id: "address", head: t("audit.address"), width: "120px", cell: (deed) => <span className="mono">{deed.address}</span> },
  ];
  return (
    <Page
      full title={t("nav.audit")}
      aside={
        <>
          <Refused error={verify.error} />
          {verify.data && (
            <span role="status">
              <State state={verify.data.broken_at === null ? "accepted" : "faulted"} label={verify.data.broken_at === null ? t("audit.whole", { n: count(verify.data.entries, t.language) }) : t("audit.broken", { seq: verify.data.broken_at })} />
            </span>
          )}
          <ExportCsv path="/api/v1/audit" filters={{ ...search }} />
          <Button variant="default" leftSection={<IconShieldCheck size={15} />} loading={verify.isPending} onClick={() => verify.mutate()}>{t("audit.verify")}</Button>
        </>
      }
    >
      <div className="filters">
        <TextInput data-filter w={220} placeholder={t("audit.actor")} aria-label={t("audit.actor")} defaultValue={search.actor ?? ""} onChange={(event) => filter({ actor: event.currentTarget.value.trim() || undefined })} />
        <TextInput w={220} placeholder={t("audit.subject")} aria-label={t("audit.subject")} defaultValue={search.subject ?? ""} onChange={(event) => filter({ subject: event.currentTarget.value.trim() || undefined })} />
      </div>
      <Loaded query={query}>
        {() => (
          <DataTable
            label={t("nav.audit")} rows={rows} columns={columns} id={(deed) => String(deed.seq)} more={hasNextPage ? more : undefined} open={setOpen} cardHeight={66}
            sort={search.sort ?? "-seq"} onSort={(sort) => void navigate({ search: { ...search, sort: sort as AuditSort }, replace: true })}
            empty={<Note icon={IconClipboardList} title={t("audit.none")}>{t("audit.none_text")}</Note>}
            card={(deed) => <button type="button" className="plain" onClick={() => setOpen(deed)}><b>{deed.action}</b> {deed.subject}<br /><span className="soft">{deed.actor} · <Ago at={deed.at} /></span></button>}
          />
        )}
      </Loaded>
      <Modal opened={open !== null} onClose={() => setOpen(null)} title={open?.action} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
        {open && <Deed deed={open} />}
      </Modal>
    </Page>
  );
}

function Deed({ deed }: { deed: DeedView }) {
  const zone = useZone();
  const t = useT();
  return (
    <div className="stack">
      <dl className="facts">
        <dt>{t("messages.at")}</dt><dd>{exact(deed.at, t.language, zone)}</dd>
        <dt>{t("audit.actor")}</dt><dd>{deed.actor}</dd>
        <dt>{t("audit.subject")}</dt><dd>{deed.subject}</dd>
        <dt>{t("audit.address")}</dt><dd className="mono">{deed.address || "–"}</dd>
        <dt>{t("audit.trace")}</dt><dd className="mono">{deed.trace || "–"}</dd>
        <dt>SHA-256</dt><dd className="mono">{deed.hash}</dd>
      </dl>
      {([["audit.before", deed.before], ["audit.after", deed.after]] as const).map(([key, said]) => said !== "" && (
        <div key={key}><h2>{t(key)}</h2><pre className="json">{pretty(said)}</pre></div>
      ))}
    </div>
  );
}

function pretty(said: string): string {
  try {
    return JSON.stringify(JSON.parse(said), null, 2);
  } catch {
    return said; // Plain words are shown as they are.
  }
}
