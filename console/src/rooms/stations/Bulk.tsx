/** One command to many stations: the platform sends it, tells how far it is with each, and can be stopped. */
import { Button, NativeSelect, Progress } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { orderQuery } from "../../api/queries";
import type { OrderAddition, OrderWithLines } from "../../api/schema";
import { useT } from "../../i18n";
import { Loaded, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { ExportCsv } from "../../parts/Export";
import { State } from "../../parts/states";
import { CommandFields } from "./CommandFields";
import { bodyOf, formOf } from "./commands";

const OFFERED = ["reset", "availability", "trigger", "clear_cache", "get_report", "set_limit", "unlock", "get_log", "update_firmware"];
/** How many stations are asked at once: they answer in seconds, and the platform has others to serve. */
const AT_ONCE = 8;

type Line = OrderWithLines["items"][number];

export function Bulk({ stations }: { stations: readonly string[] }) {
  const t = useT();
  const client = useQueryClient();
  const [name, setName] = useState("trigger");
  const form = useMemo(() => formOf(name), [name]);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({ message: "status" });
  const place = useMutation({
    mutationFn: () => {
      const body = { command: bodyOf(form, values), stations: [...stations], at_once_max: AT_ONCE };
      return ask(api.POST("/api/v1/commands", { body: body as unknown as OrderAddition }));
    },
  });
  const order = place.data?.id;
  const stop = useMutation({
    mutationFn: (id: string) => ask(api.DELETE("/api/v1/commands/{order_id}", { params: { path: { order_id: id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.orders }),
  });
  return (
    <div className="stack">
      <NativeSelect
        label={t("bulk.command")} value={name} disabled={order !== undefined} data={OFFERED.map((one) => ({ value: one, label: t.word("command", one) }))}
        onChange={(event) => {
          setName(event.currentTarget.value);
          setValues({});
        }}
      />
      <CommandFields form={form} values={values} change={(field, value) => setValues((before) => ({ ...before, [field]: value }))} />
      <Refused error={place.error ?? stop.error} />
      {order === undefined ? (
        <div className="row"><Button onClick={() => place.mutate()} loading={place.isPending}>{t("bulk.send", { n: stations.length })}</Button></div>
      ) : (
        <Results order={order} stop={() => stop.mutate(order)} again={() => place.reset()} />
      )}
    </div>
  );
}

/** How far the order is: events of the stream have it read again, and a look every few seconds where they are lost. */
function Results({ order, stop, again }: { order: string; stop: () => void; again: () => void }) {
  const t = useT();
  const query = useInfiniteQuery(orderQuery(order));
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query;
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);
  const lines = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const columns: Column<Line>[] = [
    { id: "station", head: t("stations.identity"), width: "minmax(120px, 1fr)", cell: (line) => line.station },
    { id: "answer", head: t("bulk.answer"), width: "minmax(160px, 2fr)", cell: (line) => <Ending line={line} /> },
  ];
  return (
    <Loaded query={query}>
      {({ pages }) => {
        const { progress } = pages[0]!;
        const running = progress.settled < progress.total;
        const told = t("bulk.progress", { done: progress.settled, of: progress.total });
        return (
          <>
            <div className="row wrap">
              <span role="status"><State state={running ? "active" : "ended"} label={told} /></span>
              {running ? <Button variant="default" onClick={stop}>{t("bulk.stop")}</Button> : <Button variant="default" onClick={again}>{t("bulk.again")}</Button>}
              <ExportCsv path={`/api/v1/commands/${order}`} />
            </div>
            <Progress value={progress.total === 0 ? 100 : (100 * progress.settled) / progress.total} aria-label={told} />
            <DataTable short label={t("bulk.answer")} rows={lines} columns={columns} id={(line) => line.station} more={hasNextPage ? more : undefined} card={(line) => <span>{line.station}<br /><Ending line={line} /></span>} cardHeight={60} empty={null} />
          </>
        );
      }}
    </Loaded>
  );
}

function Ending({ line }: { line: Line }) {
  const t = useT();
  if (line.state !== "settled") return <span className="soft">{t(`bulk.${line.state}`)}</span>;
  const good = line.outcome === "accepted" || line.outcome === "scheduled";
  return <State state={good ? "accepted" : "failed"} label={line.answer?.reason || line.answer?.status || t.word("outcome", line.outcome)} />;
}
