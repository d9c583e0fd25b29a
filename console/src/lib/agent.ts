/** What a browser calls itself, as people call it: "Firefox · Linux". Pure. */
const BROWSERS: readonly [RegExp, string][] = [
  [/Edg\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\//, "Firefox"], [/(Chrome|CriOS|Chromium)\//, "Chrome"], [/Safari\//, "Safari"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"], [/Android/, "Android"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"], [/CrOS/, "ChromeOS"], [/Linux/, "Linux"],
];

export function browserOf(agent: string): string {
  const find = (names: readonly [RegExp, string][]) => names.find(([shape]) => shape.test(agent))?.[1];
  const found = [find(BROWSERS), find(SYSTEMS)].filter(Boolean).join(" · ");
  return found || agent.slice(0, 60);
}
