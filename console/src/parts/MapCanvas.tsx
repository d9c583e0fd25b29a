import { useComputedColorScheme } from "@mantine/core";
import { useReducedMotion } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { AttributionControl, LngLatBounds, Map as Drawing, Marker, NavigationControl, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlasUrl from "world-atlas/countries-50m.json?url";
import { useT } from "../i18n";
import { power } from "../lib/format";
import { flatLand, flatLines } from "./atlas";
import { named, portsOf, radius, type Side } from "./ring";
import { Ring } from "./Ring";
import type { Placed } from "./SiteMap";

setWorkerUrl(workerUrl);

const ZOOM_MAX = 16;
const ZOOM_ALONE = 7;
const LETTER_PX = 7.2;
const NAME_PADDING_PX = 16;

type Atlas = Topology<{ countries: GeometryCollection }>;
let atlas: Promise<Atlas> | undefined;

/** The outlines of countries (Natural Earth), which come along: no other host is asked. */
function readAtlas(): Promise<Atlas> {
  atlas ??= fetch(atlasUrl).then((answer) => answer.json() as Promise<Atlas>);
  return atlas;
}

interface Tiles {
  url: string;
  credit: string;
}

/** A tile server that the operator chose, if one was. */
function chosenTiles(): Tiles | null {
  const said = document.querySelector<HTMLMetaElement>("meta[name=map-tiles]");
  return said?.content ? { url: said.content, credit: said.dataset.credit ?? "" } : null;
}

export default function MapCanvas({ sites }: { sites: readonly Placed[] }) {
  const t = useT();
  const place = useRef<HTMLDivElement>(null);
  const [drawing, setDrawing] = useState<Drawing | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const colorScheme = useComputedColorScheme("light");
  const [drawn, setDrawn] = useState(false);
  const still = useReducedMotion();
  const [names, setNames] = useState<ReadonlyMap<string, Side>>(new Map());
  const ids = sites.map(({ site }) => site).join("\n");

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    let made: Drawing;
    try {
      made = new Drawing({ container: element, style: { version: 8, sources: {}, layers: [] }, attributionControl: false, maxZoom: ZOOM_MAX, dragRotate: false, pitchWithRotate: false, cooperativeGestures: true });
    } catch (failed) {
      setFailure(failed);
      return undefined;
    }
    made.touchZoomRotate.disableRotation();
    made.addControl(new NavigationControl({ showCompass: false }), "top-right");
    const tiles = chosenTiles();
    made.addControl(new AttributionControl({ compact: true, customAttribution: tiles?.credit || "Natural Earth" }));
    setDrawing(made);
    return () => {
      setDrawing(null);
      made.remove();
    };
  }, []);

  // The colours are the page's: when they change, so does the map.
  useEffect(() => {
    const element = place.current;
    if (drawing === null || element === null) return undefined;
    let current = true;
    setDrawn(false);
    void readAtlas().then((found) => {
      if (!current) return;
      drawing.setStyle(styleOf(found, element, chosenTiles()));
      drawing.once("idle", () => current && setDrawn(true));
    }, setFailure);
    return () => {
      current = false;
    };
  }, [drawing, colorScheme]);

  // When sites come or go, not each time that one of them changes.
  useEffect(() => {
    if (drawing === null) return;
    const bounds = new LngLatBounds();
    for (const { longitude, latitude } of sites) bounds.extend([longitude, latitude]);
    drawing.fitBounds(bounds, { padding: { top: 60, right: 110, bottom: 60, left: 80 }, maxZoom: ZOOM_ALONE, animate: false });
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [drawing, ids]);

  // Names that would lie on other sites are left away, until one is nearer or points at them.
  useEffect(() => {
    if (drawing === null) return undefined;
    const place = () => {
      const boxes = sites.map(({ site, name, longitude, latitude, power_w }) => ({
        id: site, ...point(drawing.project([longitude, latitude])), radius: radius(power_w), wide: name.length * LETTER_PX + NAME_PADDING_PX,
      }));
      const { clientWidth, clientHeight } = drawing.getContainer();
      setNames(named(boxes.sort((a, b) => b.radius - a.radius), clientWidth, clientHeight));
    };
    place();
    drawing.on("moveend", place);
    return () => void drawing.off("moveend", place);
  }, [drawing, sites]);

  if (failure !== null) throw failure;
  return (
    <>
      <div ref={place} className="map-canvas" data-still={still || undefined} aria-busy={!drawn || undefined} />
      {drawing !== null && sites.map((site) => (
        <Pin key={site.site} drawing={drawing} site={site}>
          <Link to="/sites/$id" params={{ id: site.site }} className="pin" data-named={names.get(site.site)}>
            <span className="sr">{t("map.site", { name: site.name, power: power(site.power_w, t.language), free: site.ports.free, ports: portsOf(site.ports) })}</span>
            <Ring ports={site.ports} radius={radius(site.power_w)} />
            <span className="pin-name" aria-hidden>{site.name}<b>{power(site.power_w, t.language)}</b></span>
          </Link>
        </Pin>
      ))}
    </>
  );
}

const point = ({ x, y }: { x: number; y: number }) => ({ x, y });

/** One site's place on the map; what it shows is React's. */
function Pin({ drawing, site, children }: { drawing: Drawing; site: Placed; children: React.ReactNode }) {
  const [element] = useState(() => document.createElement("div"));
  useEffect(() => {
    const marker = new Marker({ element, anchor: "center" }).setLngLat([site.longitude, site.latitude]).addTo(drawing);
    return () => void marker.remove();
  }, [drawing, element, site.longitude, site.latitude]);
  return createPortal(children, element);
}

function styleOf(found: Atlas, element: HTMLElement, tiles: Tiles | null): StyleSpecification {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const { countries } = found.objects;
  const own: StyleSpecification = {
    version: 8,
    sources: {
      countries: { type: "geojson", data: flatLand(feature(found, countries)) },
      borders: { type: "geojson", data: { type: "Feature", properties: {}, geometry: flatLines(mesh(found, countries)) } },
    },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": colour("map-sea") } },
      { id: "countries", type: "fill", source: "countries", paint: { "fill-color": colour("map-land"), "fill-antialias": false } },
      { id: "borders", type: "line", source: "borders", paint: { "line-color": colour("map-line"), "line-width": 0.7 } },
    ],
  };
  if (tiles === null) return own;
  return {
    ...own,
    sources: { ...own.sources, tiles: { type: "raster", tiles: [tiles.url], tileSize: 256 } },
    layers: [...own.layers, { id: "tiles", type: "raster", source: "tiles" }],
  };
}
