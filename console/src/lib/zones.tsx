/** Whose clock tells the time: the site's, the reader's own, or UTC. */
import { createContext, type ReactNode, useContext } from "react";
import { Store, useStore } from "./store";

export type Reckoning = "site" | "own" | "utc";
export const RECKONINGS: readonly Reckoning[] = ["site", "own", "utc"];
const KEPT_AS = "forecourt.reckoning";
export const UTC = "UTC";

export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What the reader prefers, on this machine. */
export const reckoning = new Store<Reckoning>(RECKONINGS.find((one) => one === localStorage.getItem(KEPT_AS)) ?? "site");
/** What holds where a site has no zone of its own: the tenant's setting. */
export const houseZone = new Store<string>(UTC);

export function reckonBy(chosen: Reckoning): void {
  localStorage.setItem(KEPT_AS, chosen);
  reckoning.set(chosen);
}

/** The zone to show moments in, of those that one may mean. */
export function zoneFor(preferred: Reckoning, site: string | undefined, house: string): string {
  if (preferred === "own") return ownZone;
  if (preferred === "utc") return UTC;
  return site || house;
}

const Site = createContext<string | undefined>(undefined);

/** All moments below are of this site. */
export function InZone({ zone, children }: { zone: string | undefined; children: ReactNode }) {
  return <Site value={zone}>{children}</Site>;
}

/** The zone to show moments in; `zone` is that of the site, where it is not the page's. */
export function useZone(zone?: string): string {
  const page = useContext(Site);
  return zoneFor(useStore(reckoning), zone ?? page, useStore(houseZone));
}
