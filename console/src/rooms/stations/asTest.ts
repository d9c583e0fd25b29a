/** An exchange as a test of the platform's own suite: paste it, and what happened happens again. */
import type { Said } from "./exchange";
import { exchangeOf } from "./exchange";

const VERSIONS: Readonly<Record<string, string>> = { "ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1", "ocpp2.1": "2.1" };

export function asTest(said: Said, all: readonly Said[], protocol: string): string {
  const { call, answer } = exchangeOf(said, all);
  const action = call?.message.action || said.message.action || "message";
  const seen = [`async def test_${snake(action)}(yard: Yard) -> None:`, `    """As it was seen on ${said.message.at}."""`, `    _, wire = await yard.station("${VERSIONS[protocol] ?? "1.6"}")`];
  const payload = literal(partOf(call, 3));
  const answered = literal(partOf(answer, 2));
  if (call?.message.direction === "out") {
    seen.push(`    asked, payload = await wire.asked("${action}")`, `    assert payload == ${payload}`);
    if (answer !== null) seen.push(`    wire.answer(asked, ${answered})`);
  } else if (answer?.kind === "error") {
    seen.push(`    with pytest.raises(CallError, match=${literal(at(answer, 2))}):`, `        await wire.call("${action}", ${payload})`);
  } else {
    seen.push(`    answer = await wire.call("${action}", ${payload})`);
    if (answer !== null) seen.push(`    assert answer == ${answered}`);
  }
  return `${seen.join("\n")}\n`;
}

function at(said: Said | null, place: number): unknown {
  try {
    const parts: unknown = JSON.parse(said?.message.frame ?? "");
    return Array.isArray(parts) ? parts[place] : undefined;
  } catch {
    return undefined; // Cut off, or secret, or never JSON: the test says so by an empty payload.
  }
}

const partOf = (said: Said | null, place: number): unknown => at(said, place) ?? {};
const snake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase().replace(/\W+/g, "_");

/** A value as Python writes it. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`).join(", ")}}`;
  return JSON.stringify(value);
}
