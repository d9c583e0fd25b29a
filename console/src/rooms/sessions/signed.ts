/** Signed meter values, as the station sent them; nothing here checks a signature. */
import type { ReadingView } from "../../api/schema";

export interface Signed {
  at: string;
  /** What the meter signed, word for word. */
  text: string;
  /** What it looks like; empty where nothing tells. */
  format: string;
  method: string;
  /** The meter's public key, where it came along. */
  key: string;
  context: string;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** OCMF begins with its name, also behind base64; else the station's own word counts. */
export function formatOf(data: string, told: string): string {
  if (data.startsWith("OCMF|")) return "OCMF";
  try {
    if (atob(data).startsWith("OCMF|")) return "OCMF (base64)";
  } catch {
    // It is no base64: the station's word is all there is.
  }
  return told;
}

/** All that were signed in a session's readings, oldest first, each once. */
export function signedIn(readings: readonly ReadingView[]): Signed[] {
  const found = new Map<string, Signed>();
  for (const { sampled_at: at, samples } of readings) for (const one of samplesOf(samples)) add(found, at, one);
  return [...found.values()];
}

function add(found: Map<string, Signed>, at: string, sample: Record<string, unknown>): void {
  const context = text(sample["context"]);
  const inner = sample["signedMeterValue"];
  let made: Signed | null = null;
  if (typeof inner === "object" && inner !== null) {
    const signed = inner as Record<string, unknown>;
    const data = text(signed["signedMeterData"]);
    made = { at, text: data, format: formatOf(data, text(signed["encodingMethod"])), method: text(signed["signingMethod"]), key: text(signed["publicKey"]), context };
  } else if (sample["format"] === "SignedData") {
    const data = text(sample["value"]);
    made = { at, text: data, format: formatOf(data, ""), method: "", key: "", context };
  }
  if (made !== null && made.text !== "") found.set(`${at} ${made.text}`, made);
}

/** Samples by themselves, or inside of meter values. */
function samplesOf(samples: unknown): Record<string, unknown>[] {
  if (!Array.isArray(samples)) return typeof samples === "object" && samples !== null ? samplesOf([samples]) : [];
  return samples.flatMap((one: unknown) => {
    if (typeof one !== "object" || one === null) return [];
    const inner = (one as Record<string, unknown>)["sampledValue"];
    return inner === undefined ? [one as Record<string, unknown>] : samplesOf(inner);
  });
}
