import type { MessageView } from "../../api/schema";

export interface Said {
  key: string;
  message: MessageView;
  kind: "call" | "result" | "error" | "other";
  /** From the call to its answer; told at the answer. */
  tookMs: number | null;
}

const KINDS: Readonly<Record<number, Said["kind"]>> = { 2: "call", 3: "result", 4: "error" };

/** Messages, newest first, with the time that each answer took. */
export function withLatency(messages: readonly MessageView[]): Said[] {
  const asked = new Map<string, number>();
  const seen = new Map<string, number>();
  const said: Said[] = [];
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index]!;
    const [kind, name] = opened(message.frame);
    const call = `${message.direction === "in" ? "out" : "in"} ${name}`;
    const at = Date.parse(message.at);
    let tookMs: number | null = null;
    if (kind === "call") asked.set(`${message.direction} ${name}`, at);
    else if (asked.has(call)) tookMs = at - asked.get(call)!;
    // A page that is read again brings the same messages: a key must not depend on the place.
    const base = `${message.at} ${message.direction} ${kind} ${name}`;
    const nth = (seen.get(base) ?? 0) + 1;
    seen.set(base, nth);
    said.push({ key: `${base} ${nth}`, message, kind, tookMs });
  }
  return said.reverse();
}

/** The kind and the id of a frame, without decoding all of it. */
function opened(frame: string): [Said["kind"], string] {
  const found = /^\s*\[\s*(\d)\s*,\s*"([^"]*)"/.exec(frame);
  return found === null ? ["other", ""] : [KINDS[Number(found[1])] ?? "other", found[2] ?? ""];
}
