import { expect, test } from "vitest";
import { translator } from ".";
import { de } from "./de";
import { en } from "./en";

const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("both languages say the same things", () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
});

test.each(Object.keys(en) as (keyof typeof en)[])("%s has text, and the same places for values, in both", (key) => {
  expect(en[key].trim()).not.toBe("");
  expect(de[key].trim()).not.toBe("");
  expect(places(de[key])).toEqual(places(en[key]));
});

test("values are put in, and what is missing stays visible", () => {
  const t = translator("en");
  expect(t("table.rows", { n: 7 })).toBe("7 rows");
  expect(t("table.rows")).toBe("{n} rows");
});

test("a word that has no text is shown as it came", () => {
  expect(translator("de").word("state", "faulted")).toBe("gestört");
  expect(translator("de").word("state", "brand_new")).toBe("brand new");
});
