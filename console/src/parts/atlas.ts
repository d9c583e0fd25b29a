/** Outlines on the globe, laid out for a flat map: none of them leaps from one edge to the other. Pure. */
import type { FeatureCollection, Geometry, MultiLineString, Polygon, Position } from "geojson";

const HALF = 180;
const WORLD = 360;
const POLE = 90;
/** As near as the outlines come to it where they end there. */
const AT_POLE = 89.9;

/** The same line, going on beyond 180° where it passes it; the map draws what lies in the next world at its place in this one. */
export function unrolled(line: readonly Position[]): Position[] {
  let worlds = 0;
  return line.map(([longitude = 0, latitude = 0], n) => {
    const step = longitude - (line[n - 1]?.[0] ?? longitude);
    if (Math.abs(step) > HALF) worlds -= Math.sign(step);
    return [longitude + worlds * WORLD, latitude];
  });
}

/** A ring around a pole is closed by way of the pole, which is a whole edge of a flat map. */
function closed(ring: readonly Position[]): Position[] {
  const line = unrolled(ring);
  const [first, last] = [line[0], line.at(-1)];
  if (first === undefined || last === undefined || first[0] === last[0]) return line;
  const pole = Math.sign(first[1]!) * POLE;
  return [...line, [last[0]!, pole], [first[0]!, pole], first];
}

/** A ring along the pole encloses nothing; what lies around it is closed there already. */
const isPole = (ring: readonly Position[]) => ring.every(([, latitude = 0]) => Math.abs(latitude) > AT_POLE);

// No country that passes 180° has a hole there, so that holes stay in the world of their ring.
const flatRings = (rings: Polygon["coordinates"]) => rings.filter((ring) => !isPole(ring)).map(closed);

function flatGeometry(geometry: Geometry): Geometry {
  if (geometry.type === "Polygon") return { ...geometry, coordinates: flatRings(geometry.coordinates) };
  if (geometry.type === "MultiPolygon") return { ...geometry, coordinates: geometry.coordinates.map(flatRings) };
  return geometry;
}

export const flatLand = (land: FeatureCollection): FeatureCollection => ({
  ...land,
  features: land.features.map((one) => ({ ...one, geometry: flatGeometry(one.geometry) })),
});

export const flatLines = (lines: MultiLineString): MultiLineString => ({ ...lines, coordinates: lines.coordinates.map(unrolled) });
