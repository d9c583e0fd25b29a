import { expect, test } from "vitest";
import { oneMore, told } from "./hours";

test("opening hours: alike days are told together, and one more is on the day after", () => {
  const on = (weekday: number, begin: string, end: string) => ({ weekday, begin, end });
  const week = [1, 2, 3, 4, 5].map((day) => on(day, "07:30", "19:00"));
  expect(told([on(7, "22:00", "02:00"), ...week], "en")).toBe("Mon–Fri 07:30–19:00 · Sun 22:00–02:00");
  expect(told([on(1, "13:00", "18:00"), on(1, "08:00", "12:00"), on(3, "08:00", "12:00")], "de")).toBe("Mo 08:00–12:00, 13:00–18:00 · Mi 08:00–12:00");
  expect(told([], "en")).toBe("");
  expect(oneMore([])).toEqual([on(1, "08:00", "20:00")]);
  expect(oneMore([on(7, "10:00", "16:00")]).at(-1)).toEqual(on(1, "10:00", "16:00"));
});
