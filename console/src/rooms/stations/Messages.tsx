/** The raw log: what went over the wire, newest first, as it comes; or from the oldest that is kept. */
import { Button, CopyButton, NativeSelect, SegmentedControl, Switch, TextInput } from "@mantine/core";
import { IconArrowDownLeft, IconArrowUpRight, IconMessages, IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useDeferredValue, useMemo, useState } from "react";
import { type MessageSort, messagesQuery } from "../../api/queries";
import type { MessageView, StationView } from "../../api/schema";
import { useT } from "../../i18n";
import { clock, everywhere } from "../../lib/format";
import { ownZone, useZone } from "../../lib/zones";
import { Loaded, Note, Panel } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { asTest } from "./asTest";
import { joined, type Said, withLatency } from "./exchange";
import { useWatch } from "./watch";

export function Messages({ station }: { station: StationView }) {
  const t = useT();
  const zone = useZone();
  const [action, setAction] = useState("");
  const [direction, setDirection] = useState("");
  const [words, setWords] = useState("");
  const [follow, setFollow] = useState(true);
  const [open, setOpen] = useState<string | null>(null);
  const [sort, setSort] = useState<MessageSort>("-at");
  const newest = sort === "-at";
  const query = useInfiniteQuery(messagesQuery(station.id, sort));
  const passed = useDeferredValue(useWatch(station.id, follow && newest));
  const all = useMemo(() => {
    const said = withLatency(joined(newest ? passed : [], query.data?.pages.flatMap(({ items }) => items) ?? []));
    return newest ? said : said.reverse();
  }, [passed, query.data, newest]);
  const actions = useMemo(() => [...new Set(all.map(({ message }) => message.action))].filter(Boolean).sort(), [all]);
  const rows = useMemo(
    () =>
      all.filter(
        ({ message }) =>
          (action === "" || message.action === action) &&
          (direction === "" || message.direction === direction) &&
          (words === "" || `${message.action} ${message.note} ${message.frame}`.toLowerCase().includes(words.toLowerCase())),
      ),
    [all, action, direction, words],
  );
  const shown = rows.find(({ key }) => key === open) ?? rows[0];
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query;
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);

  const columns: Column<Said>[] = [
    { id: "at", sort: "at", head: t("messages.at"), width: "72px", cell: ({ message }) => <time dateTime={message.at}>{clock(message.at, t.language, zone)}</time> },
    { id: "way", head: <span className="sr">{t("messages.direction")}</span>, width: "18px", cell: ({ message }) => <Way message={message} /> },
    {
      id: "action", head: t("messages.action"), width: "minmax(140px, 1fr)",
      cell: (said) => (
        <button type="button" className="plain" onClick={() => setOpen(said.key)} aria-pressed={said.key === shown?.key}>
          {said.message.action || said.message.note || "–"} <span className="soft">{t.word("frame", said.kind)}</span>
        </button>
      ),
    },
    { id: "size", head: t("messages.size"), width: "64px", numeric: true, cell: ({ message }) => `${message.frame.length} B` },
    { id: "took", head: t("messages.took"), width: "84px", numeric: true, cell: ({ tookMs }) => (tookMs === null ? "" : tookMs < 1 ? "< 1 ms" : `${tookMs} ms`) },
  ];
  return (
    <>
      <div className="filters">
        <TextInput data-filter w={200} leftSection={<IconSearch size={14} aria-hidden />} placeholder={t("messages.search")} aria-label={t("messages.search")} value={words} onChange={(event) => setWords(event.currentTarget.value)} />
        <NativeSelect size="xs" aria-label={t("messages.action")} value={action} onChange={(event) => setAction(event.currentTarget.value)} data={[{ value: "", label: t("messages.all_actions") }, ...actions]} />
        <SegmentedControl aria-label={t("messages.direction")} value={direction} onChange={setDirection} data={[{ value: "", label: t("all") }, { value: "in", label: t("messages.in") }, { value: "out", label: t("messages.out") }]} />
        <Switch className="push" label={t("messages.follow")} checked={follow && newest} disabled={!newest} onChange={(event) => setFollow(event.currentTarget.checked)} />
      </div>
      <Loaded query={query}>
        {() =>
          rows.length === 0 ? (
            <Panel><Note icon={IconMessages} title={all.length === 0 ? t("messages.none") : t("table.no_match")}>{all.length === 0 && t("messages.none_text")}</Note></Panel>
          ) : (
            <div className="messages">
              <DataTable
                label={t("tab.messages")} rows={rows} columns={columns} id={({ key }) => key} more={hasNextPage ? more : undefined} empty={null} cardHeight={52}
                sort={sort} onSort={(by) => setSort(by as MessageSort)}
                open={(said) => setOpen(said.key)}
                card={(said) => (
                  <button type="button" className="plain" onClick={() => setOpen(said.key)}>
                    <span className="row"><Way message={said.message} /><b className="cut">{said.message.action}</b><span className="soft push">{clock(said.message.at, t.language, zone)}</span></span>
                  </button>
                )}
              />
              {shown && <Frame said={shown} test={() => asTest(shown, all, station.protocol)} />}
            </div>
          )
        }
      </Loaded>
    </>
  );
}

export function Way({ message }: { message: MessageView }) {
  const t = useT();
  const inward = message.direction === "in";
  const Shape = inward ? IconArrowDownLeft : IconArrowUpRight;
  return <Shape size={15} stroke={1.8} color={`var(--${inward ? "available" : "charging"})`} aria-label={inward ? t("messages.in") : t("messages.out")} />;
}

function Frame({ said, test }: { said: Said; test: () => string }) {
  const t = useT();
  const zone = useZone();
  const { message } = said;
  return (
    <section className="panel" style={{ display: "flex", flexDirection: "column" }} aria-label={t("messages.frame")}>
      <div className="panel-head">
        <Way message={message} />
        <h2 className="cut">{message.action || message.note}</h2>
        <time dateTime={message.at} title={everywhere(message.at, t.language, zone, ownZone)} className="soft nowrap push">{clock(message.at, t.language, zone)}</time>
        <CopyButton value={message.frame}>{({ copied, copy }) => <Button variant="default" style={{ flex: "none" }} onClick={copy}>{copied ? t("copied") : t("copy")}</Button>}</CopyButton>
        <CopyButton value={test()}>{({ copied, copy }) => <Button variant="default" title={t("messages.as_test_text")} style={{ flex: "none" }} onClick={copy}>{copied ? t("copied") : t("messages.as_test")}</Button>}</CopyButton>
      </div>
      {message.note && message.action && <p className="soft" style={{ padding: "10px 14px 0" }}>{message.note}</p>}
      <pre className="json" tabIndex={0} role="group" aria-label={t("messages.frame")} style={{ border: 0, borderRadius: 0, flex: 1, maxHeight: "none" }}>{pretty(message.frame)}</pre>
    </section>
  );
}

export function pretty(frame: string): string {
  try {
    return JSON.stringify(JSON.parse(frame), null, 2);
  } catch {
    return frame; // What is no JSON is shown as it came: that may be what is wrong with it.
  }
}
