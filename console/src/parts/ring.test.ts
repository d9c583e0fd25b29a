import { expect, test } from "vitest";
import { arcs, named, portsOf, radius } from "./ring";

const ports = { free: 2, charging: 1, faulted: 0, unavailable: 0, offline: 1 };

test("a ring is whole, each share behind the one before", () => {
  expect(portsOf(ports)).toBe(4);
  expect(arcs(ports)).toEqual([{ kind: "free", from: 0, share: 0.5 }, { kind: "charging", from: 0.5, share: 0.25 }, { kind: "offline", from: 0.75, share: 0.25 }]);
  expect(arcs({ free: 0, charging: 0, faulted: 0, unavailable: 0, offline: 0 })).toEqual([]);
});

test("size is power: none is the smallest, beyond the largest nothing grows", () => {
  expect(radius(0)).toBe(radius(-5_000));
  expect(radius(500_000)).toBeGreaterThan(radius(50_000));
  expect(radius(9e9)).toBe(radius(2_000_000));
});

test("a name lies where there is room, and is left away where there is none", () => {
  const box = (id: string, x: number, y: number) => ({ id, x, y, radius: 15, wide: 80 });
  expect([...named([box("a", 100, 100), box("b", 400, 100)])]).toEqual([["a", "below"], ["b", "below"]]);
  expect([...named([box("a", 100, 100), box("b", 100, 140)])]).toEqual([["a", "above"], ["b", "below"]]);
  expect([...named([box("a", 100, 100)], 300, 140)]).toEqual([["a", "above"]]);
  expect(named([box("a", 20, 20)], 60, 60).has("a")).toBe(false);
  const crowd = [box("a", 100, 100), box("n", 100, 60), box("s", 100, 140), box("e", 140, 100), box("w", 60, 100)];
  expect(named(crowd).has("a")).toBe(false);
});
