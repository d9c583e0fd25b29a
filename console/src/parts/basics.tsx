import { Button, Skeleton } from "@mantine/core";
import { IconAlertTriangle, IconCloudOff, type Icon } from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Refusal } from "../api/client";
import { type Translate, useT } from "../i18n";
import { ago, everywhere } from "../lib/format";
import { useNow } from "../lib/now";
import { ownZone, useZone } from "../lib/zones";

export function Page({ title, children, full = false, aside, crumb }: { title: ReactNode; children: ReactNode; full?: boolean; aside?: ReactNode; crumb?: ReactNode }) {
  return (
    <div className={full ? "page full" : "page"}>
      <header className="page-head">
        {crumb}
        <h1 className="cut">{title}</h1>
        <div className="row wrap push">{aside}</div>
      </header>
      {children}
    </div>
  );
}

export function Panel({ title, aside, children, flush = false }: { title?: ReactNode; aside?: ReactNode; children: ReactNode; flush?: boolean }) {
  return (
    <section className="panel">
      {title !== undefined && (
        <div className="panel-head">
          <h2>{title}</h2>
          <div className="push row">{aside}</div>
        </div>
      )}
      <div className={flush ? undefined : "panel-body"}>{children}</div>
    </section>
  );
}

/** "4 min ago", with the moment itself when one points at it; `zone` is the site's, where it is not the page's. */
export function Ago({ at, none = "–", zone }: { at: string | null | undefined; none?: string; zone?: string }) {
  const now = useNow();
  const { language } = useT();
  const here = useZone(zone);
  if (!at) return <span className="soft">{none}</span>;
  return (
    // Written when somebody points at it: a table has thousands of moments.
    <time dateTime={at} onPointerEnter={(event) => (event.currentTarget.title = everywhere(at, language, here, ownZone))} className="nowrap">
      {ago(at, now, language, here)}
    </time>
  );
}

/** Glows for a second when what it shows has changed. */
export function Glow({ value, children }: { value: unknown; children: ReactNode }) {
  const before = useRef(value);
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    if (before.current === value) return;
    before.current = value;
    setChanges((n) => n + 1);
  }, [value]);
  return (
    <span key={changes} className={changes > 0 ? "glow" : undefined}>
      {children}
    </span>
  );
}

export function Note({ icon: Shape, title, children, action }: { icon?: Icon; title: ReactNode; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="note">
      {Shape && <Shape size={26} stroke={1.4} aria-hidden />}
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** What happened, what to do, and the code to ask about. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const t = useT();
  const refusal = error instanceof Refusal ? error : null;
  const away = refusal?.code === "network";
  return (
    <div role="alert">
      <Note
        icon={away ? IconCloudOff : IconAlertTriangle}
        title={away ? t("error.away") : (refusal?.title || t("error.title"))}
        action={retry && <Button variant="default" onClick={retry}>{t("error.retry")}</Button>}
      >
        {away ? t("error.away_text") : said(error)}
        {refusal !== null && !away && (
          <>
            <br />
            <code>{refusal.code}{refusal.trace && ` · ${refusal.trace}`}</code>
          </>
        )}
      </Note>
    </div>
  );
}

export function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One line for a form: what was refused, and why. */
export function Refused({ error }: { error: unknown }) {
  const t = useT();
  if (!error) return null;
  return (
    <div className="banner" data-tone="faulted" role="alert">
      <IconAlertTriangle size={16} aria-hidden />
      <span>{wording(error, t)}</span>
    </div>
  );
}

export function wording(error: unknown, t: Translate): string {
  if (!(error instanceof Refusal)) return said(error);
  const known = t.word("problem", error.code);
  if (known !== error.code) return error.retryAfterS ? `${known} (${error.retryAfterS} s)` : known;
  return `${error.message} (${error.code})`;
}

/** Grey lines, but only for those who wait longer than a blink. */
export function Loading({ rows = 6 }: { rows?: number }) {
  const t = useT();
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="stack tight" style={{ padding: 14, minHeight: 120 }} role="status" aria-label={t("loading")} aria-busy>
      {shown && Array.from({ length: rows }, (_, n) => <Skeleton key={n} height={14} width={`${90 - ((n * 17) % 45)}%`} />)}
    </div>
  );
}

interface Read<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** What was read, or that it is on its way, or why it is not. */
export function Loaded<T>({ query, children, rows }: { query: Read<T>; children: (data: T) => ReactNode; rows?: number }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isPending) return <Loading rows={rows} />;
  return <Failure error={query.error} retry={() => void query.refetch()} />;
}
