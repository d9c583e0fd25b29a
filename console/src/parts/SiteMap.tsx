/** Sites on a map, each a ring of its ports. The map itself is large, and comes when it is drawn. */
import { Skeleton } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Component, lazy, type ReactNode, Suspense } from "react";
import type { SiteSummary } from "../api/schema";
import { useT } from "../i18n";
import { Note } from "./basics";

const Canvas = lazy(() => import("./MapCanvas"));

export type Placed = SiteSummary & { latitude: number; longitude: number };

export function isPlaced(site: SiteSummary): site is Placed {
  return site.latitude !== null && site.longitude !== null;
}

/** `instead` is shown where the browser cannot draw. */
export function SiteMap({ sites, height, label, instead }: { sites: readonly SiteSummary[]; height: number; label: string; instead?: ReactNode }) {
  const t = useT();
  const placed = sites.filter(isPlaced);
  if (placed.length === 0) return <div style={{ minHeight: height }}><Note icon={IconMapOff} title={t("map.no_places")}>{t("map.no_places_text")}</Note></div>;
  return (
    <Fallback instead={instead ?? <Note icon={IconMapOff} title={t("map.cannot")}>{t("map.cannot_text")}</Note>}>
      <div className="map" style={{ height }} role="region" aria-label={label}>
        <Suspense fallback={<Skeleton height={height} />}>
          <Canvas sites={placed} />
        </Suspense>
      </div>
    </Fallback>
  );
}

/** A browser without WebGL draws no map; the table tells the same. */
class Fallback extends Component<{ instead: ReactNode; children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? this.props.instead : this.props.children;
  }
}
