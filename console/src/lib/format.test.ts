import { describe, expect, test } from "vitest";
import { ago, duration, energy, percent, power } from "./format";

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
  expect(ago("2026-03-01T11:56:00Z", now, "en")).toBe("4 min. ago");
  expect(ago("2026-03-01T12:05:00Z", now, "en")).toBe("in 5 min.");
  expect(ago("2026-02-01T12:00:00Z", now, "en")).toContain("Feb 1, 2026");
});
