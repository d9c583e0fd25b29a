/** The log of an endpoint: what was or is on its way, and each attempt with its answer. */
import { Button, Modal, SegmentedControl } from "@mantine/core";
import { IconMailbox, IconRefresh } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { api, ask } from "../../api/client";
import type { DeliveryView, DeliveryWithAttempts, WebhookView } from "../../api/schema";
import { useT } from "../../i18n";
import { exact } from "../../lib/format";
import { useZone } from "../../lib/zones";
import { Ago, Loaded, Note, Panel, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { ExportCsv } from "../../parts/Export";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";
import { deliveriesQuery, deliveryQuery, type DeliveryState, webhookKeys } from "./queries";

const route = getRouteApi("/webhooks/$id");
const SHOWN = ["", "waiting", "delivered", "failed"] as const;

export function Deliveries({ hook }: { hook: WebhookView }) {
  const t = useT();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/webhooks/$id" });
  const query = useInfiniteQuery(deliveriesQuery(hook.id, search.state));
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query;
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);
  const show = (change: typeof search) => void navigate({ search: { ...search, ...change }, replace: true });
  const open = (one: DeliveryView) => show({ delivery: one.id });
  const columns: Column<DeliveryView>[] = [
    { id: "state", head: t("stations.state"), width: "120px", cell: (one) => <State state={one.state} group="delivery" /> },
    { id: "type", head: t("webhooks.type"), width: "minmax(150px, 1.5fr)", cell: (one) => <button type="button" className="plain" onClick={() => open(one)}><b style={{ fontWeight: 500 }}>{one.type}</b></button> },
    { id: "subject", head: t("audit.subject"), width: "minmax(120px, 1.5fr)", cell: (one) => one.subject },
    { id: "at", head: t("webhooks.happened"), width: "120px", cell: (one) => <Ago at={one.at} /> },
    { id: "status", head: t("webhooks.status"), width: "80px", numeric: true, cell: (one) => one.status ?? <span className="soft">–</span> },
    { id: "attempts", head: t("webhooks.attempts"), width: "80px", numeric: true, cell: (one) => one.attempts },
    { id: "next", head: t("webhooks.next"), width: "140px", numeric: true, cell: (one) => <Next one={one} /> },
  ];
  return (
    <Panel title={t("webhooks.log")} flush aside={<ExportCsv path={`/api/v1/webhooks/${hook.id}/deliveries`} filters={{ state: search.state }} />}>
      <div style={{ padding: "10px 14px" }}>
        <SegmentedControl
          aria-label={t("stations.state")} size="xs" value={search.state ?? ""} onChange={(state) => show({ state: (state || undefined) as DeliveryState | undefined })}
          data={SHOWN.map((state) => ({ value: state, label: state === "" ? t("all") : t.word("delivery", state) }))}
        />
      </div>
      <Loaded query={query}>
        {() => (
          <DataTable
            short bare label={t("webhooks.log")} rows={rows} columns={columns} id={(one) => one.id} more={hasNextPage ? more : undefined} open={open} cardHeight={66}
            empty={<Note icon={IconMailbox} title={search.state ? t("table.no_match") : t("webhooks.log_none")}>{search.state ? undefined : t("webhooks.log_none_text")}</Note>}
            card={(one) => (
              <button type="button" className="plain" onClick={() => open(one)} style={{ width: "100%" }}>
                <span className="row">
                  <span className="cut"><b>{one.type}</b><br /><span className="soft">{one.subject} · <Ago at={one.at} /></span></span>
                  <span className="push"><State state={one.state} group="delivery" /></span>
                </span>
              </button>
            )}
          />
        )}
      </Loaded>
      <Modal opened={search.delivery !== undefined} onClose={() => show({ delivery: undefined })} title={search.delivery} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
        {search.delivery !== undefined && <Delivery hook={hook} message={search.delivery} />}
      </Modal>
    </Panel>
  );
}

function Next({ one }: { one: DeliveryView }) {
  const zone = useZone();
  const { language } = useT();
  if (one.state !== "waiting" || !one.next_at) return <span className="soft">–</span>;
  return <time dateTime={one.next_at} title={exact(one.next_at, language, zone)}>{new Date(one.next_at).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" })}</time>;
}

function Delivery({ hook, message }: { hook: WebhookView; message: string }) {
  const found = useQuery(deliveryQuery(hook.id, message));
  return <Loaded query={found}>{(delivery) => <Told hook={hook} delivery={delivery} />}</Loaded>;
}

function Told({ hook, delivery }: { hook: WebhookView; delivery: DeliveryWithAttempts }) {
  const zone = useZone();
  const t = useT();
  const may = useMay();
  const client = useQueryClient();
  const again = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", { params: { path: { webhook_id: hook.id, delivery_id: delivery.id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: webhookKeys.all }),
  });
  return (
    <div className="stack">
      <div className="row wrap">
        <State state={delivery.state} group="delivery" /> <b>{delivery.type}</b> <span className="soft">{exact(delivery.at, t.language, zone)}</span>
        {may("webhooks.write") && hook.enabled && <Button className="push" variant="default" leftSection={<IconRefresh size={15} />} loading={again.isPending} onClick={() => again.mutate()}>{t("webhooks.again")}</Button>}
      </div>
      <Refused error={again.error} />
      <h2>{t("webhooks.attempts")}</h2>
      {delivery.tries.length === 0 && <p className="soft">{t("webhooks.no_attempt")}</p>}
      {[...delivery.tries].reverse().map((one) => (
        <div key={one.number} className="stack tight">
          <div className="row wrap">
            <b>{t("webhooks.attempt", { n: one.number })}</b> <span className="soft">{exact(one.at, t.language, zone)}</span>
            <span className="push">{one.status === null ? t("webhooks.no_answer") : `HTTP ${one.status}`} · {one.latency_ms} ms</span>
          </div>
          {one.error !== "" && <p style={{ overflowWrap: "anywhere" }}>{one.error}</p>}
          {one.answer !== "" && <pre className="json" tabIndex={0} role="group" aria-label={t("webhooks.answer")}>{one.answer}</pre>}
        </div>
      ))}
      <h2>{t("webhooks.sent")}</h2>
      {delivery.body === "" ? <p className="soft">{t("webhooks.not_kept")}</p> : <pre className="json" tabIndex={0} role="group" aria-label={t("webhooks.sent")}>{pretty(delivery.body)}</pre>}
    </div>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body; // Shown as it was sent.
  }
}
