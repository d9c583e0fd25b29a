/** ⌘K: pages, stations, sessions and tokens by what one remembers of them. */
import { Modal, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconBolt, IconChargingPile, IconId, IconSearch, type Icon } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useState } from "react";
import { api, ask } from "../api/client";
import { useT } from "../i18n";
import type { Entry } from "./room";
import { useMay } from "./session";

interface Hit {
  key: string;
  icon: Icon;
  title: string;
  note: string;
  to: string;
  params?: Record<string, string>;
  search?: Record<string, string>;
}

const SHOWN_MAX = 8;
const FRESH_MS = 30_000;

export function Palette({ opened, close, entries }: { opened: boolean; close: () => void; entries: readonly Entry[] }) {
  const t = useT();
  return (
    <Modal.Root opened={opened} onClose={close} size={560} yOffset="12dvh" centered={false}>
      <Modal.Overlay backgroundOpacity={0.25} />
      <Modal.Content aria-label={t("shell.search")}>
        <Modal.Body p={0}>{opened && <Search close={close} entries={entries} />}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

function Search({ close, entries }: { close: () => void; entries: readonly Entry[] }) {
  const t = useT();
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const [current, setCurrent] = useState(0);
  const [asked] = useDebouncedValue(typed.trim(), 120);
  const found = useHits(asked);
  const words = typed.trim().toLowerCase();
  const pages = entries
    .filter((entry) => t(entry.label).toLowerCase().includes(words))
    .map((entry): Hit => ({ key: entry.to, icon: entry.icon, title: t(entry.label), note: t("palette.page"), to: entry.to }));
  const hits = words === "" ? pages : [...found, ...pages];
  useEffect(() => setCurrent(0), [asked]);

  const go = (hit: Hit | undefined) => {
    if (hit === undefined) return;
    close();
    void navigate({ to: hit.to, params: hit.params ?? {}, search: hit.search ?? {} });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setCurrent((at) => (at + step + hits.length) % Math.max(1, hits.length));
    else if (event.key === "Enter") go(hits[current]);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <TextInput
        size="md" variant="unstyled" px={14} data-autofocus autoFocus leftSection={<IconSearch size={17} aria-hidden />}
        placeholder={t("shell.search")} aria-label={t("shell.search")} value={typed}
        role="combobox" aria-expanded aria-controls="palette-list" aria-activedescendant={hits[current] && `hit-${current}`}
        onChange={(event) => setTyped(event.currentTarget.value)} onKeyDown={onKeyDown}
      />
      <div className="palette-list" id="palette-list" role="listbox" aria-label={t("palette.hits")} style={{ borderTop: "1px solid var(--line)" }}>
        {hits.length === 0 && <p className="soft" style={{ padding: 14 }}>{t("palette.none")}</p>}
        {hits.map((hit, index) => (
          <div
            key={hit.key} id={`hit-${index}`} role="option" aria-selected={index === current} className="palette-item"
            onMouseMove={() => setCurrent(index)} onClick={() => go(hit)}
          >
            <hit.icon size={16} stroke={1.6} aria-hidden />
            <span className="cut">{hit.title}</span>
            <span className="soft cut push">{hit.note}</span>
          </div>
        ))}
      </div>
    </>
  );
}

function useHits(words: string): Hit[] {
  const t = useT();
  const may = useMay();
  const enabled = words !== "";
  const options = { staleTime: FRESH_MS, retry: false, placeholderData: keepPreviousData } as const;
  const query = { limit: SHOWN_MAX, q: words };
  const stations = useQuery({
    queryKey: ["search", "stations", words], ...options, enabled: enabled && may("stations.read"),
    queryFn: () => ask(api.GET("/api/v1/stations", { params: { query } })),
  });
  const sessions = useQuery({
    queryKey: ["search", "sessions", words], ...options, enabled: enabled && may("sessions.read"),
    queryFn: () => ask(api.GET("/api/v1/sessions", { params: { query } })),
  });
  const tokens = useQuery({
    queryKey: ["search", "tokens", words], ...options, enabled: enabled && may("tokens.read"),
    queryFn: () => ask(api.GET("/api/v1/tokens", { params: { query } })),
  });
  if (!enabled) return [];
  const byStation = (stations.data?.items ?? [])
    .map((one): Hit => ({ key: `s ${one.id}`, icon: IconChargingPile, title: one.id, note: [one.site, one.vendor, one.model].filter(Boolean).join(" · "), to: "/stations/$id", params: { id: one.id } }));
  const bySession = (sessions.data?.items ?? [])
    .map((one): Hit => ({ key: one.id, icon: IconBolt, title: `${one.station} · ${one.token}`, note: t.word("state", one.state), to: "/sessions/$id", params: { id: one.id } }));
  const byToken = (tokens.data?.items ?? [])
    .map((one): Hit => ({ key: `t ${one.uid}`, icon: IconId, title: one.uid, note: one.label, to: "/tokens", search: { find: one.uid } }));
  return [...byStation, ...bySession, ...byToken];
}
