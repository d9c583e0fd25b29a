import { expect, test } from "vitest";
import { translator } from "../i18n";
import { GROUPS } from "../rooms/stations/names";
import { wishOf } from "./deeds";

const deeds = Object.values(GROUPS).flat().map((name) => ({ name, permission: "commands.send" }));
const wish = (typed: string, language: "en" | "de" = "en") => {
  const found = wishOf(typed, deeds, translator(language));
  return found && [found.deeds.map(({ name }) => name), found.station];
};

test("a deed by its name or its word, and the station behind it", () => {
  expect(wish("reset CP001")).toEqual([["reset"], "CP001"]);
  expect(wish("Restart cp 1")).toEqual([["reset"], "cp 1"]);
  expect(wish("clear cache CP001")).toEqual([["clear_cache"], "CP001"]);
  expect(wish("unlock")).toEqual([["unlock"], ""]);
  expect(wish("neu starten CP001", "de")).toEqual([["reset"], "CP001"]);
});

test("what names no deed is none", () => {
  expect(wish("CP001")).toBeNull();
  expect(wish("re CP001")).toBeNull();
  expect(wish("")).toBeNull();
});
