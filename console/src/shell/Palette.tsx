/** ⌘K: pages, sites, stations, sessions and tokens by what one remembers of them, and what to do at a station. */
import { Modal, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconBolt, IconChargingPile, IconId, IconMapPin, IconSearch, IconTerminal2, type Icon } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useLocation, useNavigate } from "@tanstack/react-router";
import { type ChangeEvent, type KeyboardEvent, useEffect, useState } from "react";
import { api, ask } from "../api/client";
import { useT } from "../i18n";
import { deeds } from "../rooms";
import { wishOf } from "./deeds";
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

const isDeed = ({ search }: Hit) => search?.["command"] !== undefined;
const SHOWN_MAX = 8;
const STATIONS_MAX = 3;
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
  const [found, coming] = useHits(asked);
  const searching = coming || asked !== typed.trim();
  // Enter means the first hit of what was typed, also when another search answers before its own; who went down to a hit means that one.
  const [entered, setEntered] = useState(false);
  const words = typed.trim().toLowerCase();
  const pages = entries
    .map((entry): Hit => ({ key: entry.to, icon: entry.icon, title: t("palette.go", { page: t(entry.label) }), note: t("palette.page"), to: entry.to }))
    .filter(({ title }) => title.toLowerCase().includes(words));
  const begins = ({ title }: Hit) => title.toLowerCase().startsWith(words);
  const all = words === "" ? pages : [...found, ...pages];
  // What was asked to be done, then what begins as one typed: a site before the stations that stand there.
  const hits = [...all.filter(isDeed), ...all.filter((hit) => !isDeed(hit) && begins(hit)), ...all.filter((hit) => !isDeed(hit) && !begins(hit))];
  useEffect(() => setCurrent(0), [asked]);

  const go = (hit: Hit | undefined) => {
    if (hit === undefined) return;
    close();
    void navigate({ to: hit.to, params: hit.params ?? {}, search: hit.search ?? {} });
  };
  const onChange = (event: ChangeEvent<HTMLInputElement>) => {
    setTyped(event.currentTarget.value);
    setCurrent(0);
    setEntered(false);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setCurrent((at) => (at + step + hits.length) % Math.max(1, hits.length));
    else if (event.key === "Enter" && current > 0) go(hits[current]);
    else if (event.key === "Enter") setEntered(true);
    else return;
    event.preventDefault();
  };
  useEffect(() => {
    if (!entered || searching) return;
    setEntered(false);
    go(hits[0]);
  });
  return (
    <>
      <TextInput
        size="md" variant="unstyled" px={14} data-autofocus autoFocus leftSection={<IconSearch size={17} aria-hidden />}
        placeholder={t("shell.search")} aria-label={t("shell.search")} value={typed}
        role="combobox" aria-expanded aria-controls="palette-list" aria-activedescendant={hits[current] && `hit-${current}`}
        onChange={onChange} onKeyDown={onKeyDown}
      />
      <div className="palette-list" id="palette-list" role="listbox" aria-label={t("palette.hits")} aria-busy={searching} style={{ borderTop: "1px solid var(--line)" }}>
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

/** What was found so far, and whether more is coming. */
function useHits(words: string): [hits: Hit[], coming: boolean] {
  const t = useT();
  const may = useMay();
  const enabled = words !== "";
  const options = { staleTime: FRESH_MS, retry: false, placeholderData: keepPreviousData } as const;
  const query = { limit: SHOWN_MAX, q: words };
  const [toStations, deedsComing] = useDeeds(words);
  const sites = useQuery({
    queryKey: ["search", "sites", words], ...options, enabled: enabled && may("stations.read"),
    queryFn: () => ask(api.GET("/api/v1/sites", { params: { query } })),
  });
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
  if (!enabled) return [[], false];
  const byStation = (stations.data?.items ?? [])
    .map((one): Hit => ({ key: `s ${one.id}`, icon: IconChargingPile, title: one.id, note: [one.site, one.vendor, one.model].filter(Boolean).join(" · "), to: "/stations/$id", params: { id: one.id } }));
  const bySession = (sessions.data?.items ?? [])
    .map((one): Hit => ({ key: one.id, icon: IconBolt, title: `${one.station} · ${one.token}`, note: t.word("state", one.state), to: "/sessions/$id", params: { id: one.id } }));
  const byToken = (tokens.data?.items ?? [])
    .map((one): Hit => ({ key: `t ${one.uid}`, icon: IconId, title: one.uid, note: one.label, to: "/tokens", search: { find: one.uid } }));
  const bySite = (sites.data?.items ?? [])
    .map((one): Hit => ({ key: `p ${one.id}`, icon: IconMapPin, title: one.name, note: [one.city, one.country].filter(Boolean).join(", ") || one.id, to: "/sites/$id", params: { id: one.id } }));
  const coming = deedsComing || [sites, stations, sessions, tokens].some(isComing);
  return [[...toStations, ...byStation, ...bySite, ...bySession, ...byToken], coming];
}

/** Whether it is asked right now, and what it shows is the answer to something else, or none. */
const isComing = ({ isFetching, isPending, isPlaceholderData }: { isFetching: boolean; isPending: boolean; isPlaceholderData: boolean }) => isFetching && (isPending || isPlaceholderData);

/** What may be done at the stations that were named, or at the one whose page is open: it opens the form, and sends nothing. */
function useDeeds(words: string): [hits: Hit[], coming: boolean] {
  const t = useT();
  const may = useMay();
  const here = useLocation({ select: ({ pathname }) => /^\/stations\/([^/]+)$/.exec(pathname)?.[1] });
  const wish = wishOf(words, deeds.filter(({ permission }) => may(permission)), t);
  const q = wish?.station ?? "";
  const stations = useQuery({
    queryKey: ["search", "stations", q, STATIONS_MAX], staleTime: FRESH_MS, retry: false, placeholderData: keepPreviousData, enabled: q !== "" && may("stations.read"),
    queryFn: () => ask(api.GET("/api/v1/stations", { params: { query: { limit: STATIONS_MAX, q } } })),
  });
  if (wish === null) return [[], false];
  const open = here === undefined ? [] : [decodeURIComponent(here)];
  const at = q === "" ? open : (stations.data?.items ?? []).map(({ id }) => id);
  const hits = at.flatMap((station) =>
    wish.deeds.map(({ name }): Hit => ({
      key: `${name} ${station}`, icon: IconTerminal2, title: `${t.word("command", name)} · ${station}`, note: t("palette.deed"),
      to: "/stations/$id", params: { id: station }, search: { command: name },
    })),
  );
  return [hits, isComing(stations)];
}
