import type { Position } from "geojson";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import { describe, expect, test } from "vitest";
import atlas from "world-atlas/countries-50m.json";
import { flatLand, flatLines, unrolled } from "./atlas";

const world = atlas as unknown as Topology<{ countries: GeometryCollection }>;
const land = flatLand(feature(world, world.objects.countries));
const lines = flatLines(mesh(world, world.objects.countries));

const leaps = (line: readonly Position[]) => line.some(([longitude = 0], n) => n > 0 && Math.abs(longitude - line[n - 1]![0]!) > 180);
const rings = (name?: string) =>
  land.features
    .filter(({ properties }) => name === undefined || properties?.["name"] === name)
    .flatMap(({ geometry }) => (geometry.type === "Polygon" ? geometry.coordinates : geometry.type === "MultiPolygon" ? geometry.coordinates.flat() : []));

describe("the world's outlines on a flat map", () => {
  test("a line goes on beyond 180° both ways", () => {
    expect(unrolled([[170, 1], [-170, 2], [170, 3]])).toEqual([[170, 1], [190, 2], [170, 3]]);
    expect(unrolled([[-170, 1], [170, 2]])).toEqual([[-170, 1], [-190, 2]]);
  });
  test("nothing leaps across the sea, and every ring ends where it began", () => {
    expect(lines.coordinates.filter(leaps)).toEqual([]);
    const open = rings().filter((ring) => ring[0]!.join() !== ring.at(-1)!.join());
    expect(open).toEqual([]);
    // The way along the pole is the one leap: a whole edge of the map.
    expect(rings().filter(leaps)).toHaveLength(1);
  });
  test("Antarctica reaches down to the pole", () => {
    const south = Math.min(...rings("Antarctica").flat().map(([, latitude]) => latitude!));
    expect(south).toBe(-90);
  });
});
