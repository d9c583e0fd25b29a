import { describe, expect, test } from "vitest";
import { ago, clock, duration, energy, everywhere, exact, hour, percent, power } from "./format";

describe("power has three significant figures and its unit", () => {
  test.each([
    [148_000, "148 kW"],
    [7_360, "7.36 kW"],
    [960, "960 W"],
    [0, "0 W"],
    [1_240_000, "1.24 MW"],
    [999.6, "1.00 kW"],
    [999_600, "1.00 MW"],
    [-11_000, "-11.0 kW"],
  ])("%d W", (watts, text) => expect(power(watts, "en")).toBe(text));

  test("in German with a comma", () => expect(power(7_360, "de")).toBe("7,36 kW"));
  test("what is not known is no zero", () => expect(power(null, "en")).toBe("–"));
});

test("energy: one decimal in lists, three on a session", () => {
  expect(energy(23_412, "en")).toBe("23.4 kWh");
  expect(energy(23_412, "en", 3)).toBe("23.412 kWh");
  expect(energy(9_800_000, "en")).toBe("9.80 MWh");
  expect(energy(9_800_000, "en", 3)).toBe("9,800.000 kWh");
});

test("percent", () => {
  expect(percent(60.6, "en")).toBe("61 %");
  expect(percent(null, "en")).toBe("–");
});

test("durations", () => {
  expect(duration(40_000, "en")).toBe("40 s");
  expect(duration(84 * 60_000, "en")).toBe("1 h 24 min");
  expect(duration(74 * 3_600_000, "de")).toBe("3 T 2 Std.");
  expect(duration(-5, "en")).toBe("0 s");
});

test("relative under a day, the moment itself beyond", () => {
  const now = Date.parse("2026-03-01T12:00:00Z");
  expect(ago("2026-03-01T11:56:00Z", now, "en", "UTC")).toBe("4 min. ago");
  expect(ago("2026-03-01T12:05:00Z", now, "en", "UTC")).toBe("in 5 min.");
  expect(ago("2026-02-01T12:00:00Z", now, "en", "UTC")).toContain("Feb 1, 2026");
});

describe("a moment by the clock on site", () => {
  // 29 March 2026, 01:00 UTC: Berlin's clocks go from 02:00 to 03:00.
  const before = "2026-03-29T00:59:59Z";
  const after = "2026-03-29T01:00:00Z";

  test("the hour that is left out", () => {
    expect([before, after].map((at) => clock(at, "en", "Europe/Berlin"))).toEqual(["01:59:59", "03:00:00"]);
    expect(exact(before, "en", "Europe/Berlin")).toContain("GMT+1");
    expect(exact(after, "en", "Europe/Berlin")).toContain("GMT+2");
  });

  test("the hour that comes twice is told apart by the zone's name", () => {
    const first = exact("2026-11-01T05:30:00Z", "en-US", "America/New_York");
    const second = exact("2026-11-01T06:30:00Z", "en-US", "America/New_York");
    expect(first).toMatch(/01:30:00 EDT$/);
    expect(second).toMatch(/01:30:00 EST$/);
  });

  test("midnight is 00, not 24", () => expect(hour("2026-03-01T23:00:00Z", "en", "Europe/Berlin")).toBe("00:00"));

  test("one points at it, and sees it everywhere, each zone once", () => {
    expect(everywhere(after, "en", "Europe/Berlin", "America/New_York").split("\n")).toEqual([
      "Mar 29, 2026, 03:00:00 GMT+2 · Europe/Berlin",
      "Mar 29, 2026, 01:00:00 UTC · UTC",
      "Mar 28, 2026, 21:00:00 EDT · America/New_York",
    ]);
    expect(everywhere(after, "en", "UTC", "UTC").split("\n")).toHaveLength(1);
  });

  test("beyond a day, in the zone that is asked for", () => {
    expect(ago("2026-02-01T23:30:00Z", Date.parse(after), "en", "Europe/Berlin")).toContain("Feb 2, 2026");
  });
});
