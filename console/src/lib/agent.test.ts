import { expect, test } from "vitest";
import { browserOf } from "./agent";

test("browsers are called what people call them", () => {
  expect(browserOf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36")).toBe("Chrome · Linux");
  expect(browserOf("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1")).toBe("Safari · iOS");
  expect(browserOf("python-httpx/0.28.1")).toBe("python-httpx/0.28.1");
  expect(browserOf("")).toBe("");
});
