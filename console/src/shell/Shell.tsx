import { ActionIcon, Menu, Tooltip, useMantineColorScheme } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import {
  IconDeviceDesktop, IconDots, IconFingerprint, IconKeyboard, IconLanguage, IconLayoutSidebar, IconLogout, IconMoon, IconSearch, IconSun, IconUserCircle,
} from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { logOut, type Me } from "../api/account";
import { liveStatus } from "../api/live";
import { settingsQuery } from "../api/queries";
import { LANGUAGES, type Language, useChooseLanguage, useT } from "../i18n";
import { duration } from "../lib/format";
import { useNow } from "../lib/now";
import { useStore } from "../lib/store";
import { houseZone, UTC } from "../lib/zones";
import { entries } from "../rooms";
import { Bell } from "./Bell";
import { Confirm } from "./Confirm";
import { Keys } from "./Keys";
import { Palette } from "./Palette";
import { PlaceMenu } from "./PlaceMenu";
import type { Entry } from "./room";
import { useMay } from "./session";
import { useShortcuts } from "./shortcuts";

/** Few open it, and rarely. */
const Account = lazy(async () => ({ default: (await import("./Account")).Account }));
const BOTTOM_MAX = 4;

export function Shell({ me }: { me: Me }) {
  const t = useT();
  const may = useMay();
  const [narrow, setNarrow] = useLocalStorage({ key: "forecourt.rail", defaultValue: false });
  const [searching, setSearching] = useState(false);
  const [helping, setHelping] = useState(false);
  const [account, setAccount] = useState(false);
  const settings = useQuery({ ...settingsQuery, enabled: may("stations.read") });
  const zone = settings.data?.time_zone ?? UTC;
  useEffect(() => houseZone.set(zone), [zone]);
  const seen = entries.filter((entry) => may(entry.permission));
  useShortcuts(seen, { search: () => setSearching(true), help: () => setHelping(true) });

  return (
    <div className="shell" data-narrow={narrow || undefined}>
      <a className="skip" href="#main">{t("shell.skip")}</a>
      <nav className="rail" aria-label={t("shell.pages")}>
        <Link to="/" className="brand" aria-label="Forecourt">
          <img src="/favicon.svg" alt="" />
          <span>Forecourt</span>
        </Link>
        <Rail entries={seen.filter((entry) => entry.group !== "house")} narrow={narrow} />
        {seen.some((entry) => entry.group === "house") && <div className="nav-group">{t("nav.house")}</div>}
        <Rail entries={seen.filter((entry) => entry.group === "house")} narrow={narrow} />
        <div className="rail-foot">
          <ActionIcon aria-label={t("shell.fold")} aria-pressed={narrow} onClick={() => setNarrow(!narrow)}>
            <IconLayoutSidebar size={17} stroke={1.6} />
          </ActionIcon>
        </div>
      </nav>
      <header className="bar">
        <button type="button" className="find" onClick={() => setSearching(true)}>
          <IconSearch size={15} aria-hidden />
          <span className="cut">{t("shell.search")}</span>
          <kbd>{mac ? "⌘K" : "Ctrl K"}</kbd>
        </button>
        <div className="row push" style={{ gap: 4 }}>
          <PlaceMenu me={me} />
          <Live />
          <Bell />
          <SchemeMenu />
          <UserMenu me={me} help={() => setHelping(true)} account={() => setAccount(true)} />
        </div>
      </header>
      <main className="main" id="main" tabIndex={-1}>
        <Outlet />
      </main>
      <nav className="bottom" aria-label={t("shell.pages")}>
        {seen.slice(0, BOTTOM_MAX).map(({ to, label, icon: Shape }) => (
          <Link key={to} to={to} activeOptions={{ exact: to === "/" }}>
            <Shape size={20} stroke={1.6} aria-hidden />
            <span className="cut">{t(label)}</span>
          </Link>
        ))}
        <More entries={seen.slice(BOTTOM_MAX)} />
      </nav>
      <Palette opened={searching} close={() => setSearching(false)} entries={seen} />
      <Suspense>{account && <Account me={me} opened close={() => setAccount(false)} />}</Suspense>
      <Confirm me={me} />
      <Keys opened={helping} close={() => setHelping(false)} entries={seen} />
    </div>
  );
}

const mac = navigator.userAgent.includes("Mac");

function Rail({ entries: seen, narrow }: { entries: readonly Entry[]; narrow: boolean }) {
  const t = useT();
  return (
    <ul className="nav">
      {seen.map(({ to, label, icon: Shape }) => (
        <li key={to}>
          <Tooltip label={t(label)} position="right" disabled={!narrow}>
            <Link to={to} activeOptions={{ exact: to === "/" }} aria-label={t(label)}>
              <Shape size={17} stroke={1.6} aria-hidden />
              <span className="nav-word">{t(label)}</span>
            </Link>
          </Tooltip>
        </li>
      ))}
    </ul>
  );
}

function More({ entries: rest }: { entries: readonly Entry[] }) {
  const t = useT();
  const navigate = useNavigate();
  if (rest.length === 0) return null;
  return (
    <Menu position="top-end">
      <Menu.Target>
        <button type="button">
          <IconDots size={20} stroke={1.6} aria-hidden />
          <span>{t("shell.more")}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {rest.map(({ to, label, icon: Shape }) => (
          <Menu.Item key={to} leftSection={<Shape size={16} stroke={1.6} />} onClick={() => void navigate({ to })}>
            {t(label)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** Green while the stream flows; otherwise since when what is shown may be old. */
function Live() {
  const t = useT();
  const now = useNow();
  const { state, since } = useStore(liveStatus);
  const text = state === "lost" ? t("live.lost", { ago: duration(now - since, t.language) }) : t(`live.${state}`);
  return (
    <span className="live" data-state={state} role="status" title={text}>
      <span className="dot" aria-hidden />
      <span className={state === "lost" ? undefined : "live-word"}>{text}</span>
    </span>
  );
}

const SCHEMES = [
  ["light", IconSun],
  ["dark", IconMoon],
  ["auto", IconDeviceDesktop],
] as const;

function SchemeMenu() {
  const t = useT();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Shape = SCHEMES.find(([name]) => name === colorScheme)?.[1] ?? IconDeviceDesktop;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon aria-label={t("scheme.label")}>
          <Shape size={17} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {SCHEMES.map(([name, Item]) => (
          <Menu.Item key={name} leftSection={<Item size={16} stroke={1.6} />} onClick={() => setColorScheme(name)}>
            {t(`scheme.${name}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function UserMenu({ me, help, account }: { me: Me; help: () => void; account: () => void }) {
  const t = useT();
  const choose = useChooseLanguage();
  const client = useQueryClient();
  const leave = async () => {
    const next = await logOut();
    client.clear();
    location.assign(next ?? "/");
  };
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <ActionIcon aria-label={t("user.menu", { name: me.user.name })}>
          <IconUserCircle size={19} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.user.name}
          <br />
          {me.user.email} · {t.word("role", me.user.role)}
          <br />
          {me.user.tenant}
        </Menu.Label>
        <Menu.Item leftSection={<IconFingerprint size={16} stroke={1.6} />} onClick={account}>
          {t("account.title")}
        </Menu.Item>
        <Menu.Divider />
        {(Object.keys(LANGUAGES) as Language[]).map((language) => (
          <Menu.Item key={language} leftSection={<IconLanguage size={16} stroke={1.6} />} onClick={() => choose(language)} disabled={language === t.language}>
            {LANGUAGES[language]}
          </Menu.Item>
        ))}
        <Menu.Item leftSection={<IconKeyboard size={16} stroke={1.6} />} rightSection={<kbd>?</kbd>} onClick={help}>
          {t("keys.title")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} stroke={1.6} />} onClick={() => void leave()}>
          {t("user.leave")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
