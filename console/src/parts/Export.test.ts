import { expect, test } from "vitest";
import { csvAddress } from "./Export";

test("a file has the filters of its list", () => {
  expect(csvAddress("/api/v1/stations", { q: "a b&c", site: undefined, connected: false, sort: "" })).toBe(
    "/api/v1/stations?format=csv&q=a+b%26c&connected=false",
  );
});
