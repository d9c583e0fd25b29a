import type { MessageView } from "../../api/schema";

export interface Said {
  key: string;
  message: MessageView;
  kind: "call" | "result" | "error" | "other";
  /** What names it on the wire, and its answer alike. */
  id: string;
  /** From the call to its answer; told at the answer. */
  tookMs: number | null;
}

const KINDS: Readonly<Record<number, Said["kind"]>> = { 2: "call", 3: "result", 4: "error" };
/** The same frame within this time is the same message: told as it passed, and read from the log. */
const SAME_MS = 5_000;

/** What passed and what the log holds, newest first, each once. */
export function joined(passed: readonly MessageView[], log: readonly MessageView[]): MessageView[] {
  const told = new Map<string, number[]>();
  const name = ({ direction, frame, action }: MessageView) => `${direction} ${action} ${frame}`;
  for (const message of passed) told.set(name(message), [...(told.get(name(message)) ?? []), Date.parse(message.at)]);
  const rest = log.filter((message) => !told.get(name(message))?.some((at) => Math.abs(at - Date.parse(message.at)) < SAME_MS));
  // Of one moment, an answer is newer than what it answers.
  const late = ({ frame }: MessageView) => Number(opened(frame)[0] !== "call");
  return [...passed, ...rest].sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || late(b) - late(a));
}

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
    else if (asked.has(call)) tookMs = Math.max(0, at - asked.get(call)!);
    // A page that is read again brings the same messages: a key must not depend on the place.
    const base = `${message.at} ${message.direction} ${kind} ${name}`;
    const nth = (seen.get(base) ?? 0) + 1;
    seen.set(base, nth);
    said.push({ key: `${base} ${nth}`, message, kind, id: name, tookMs });
  }
  return said.reverse();
}

/** The call that a message belongs to, and what was answered; the nearest in time, since ids come again. */
export function exchangeOf(said: Said, all: readonly Said[]): { call: Said | null; answer: Said | null } {
  const isCall = said.kind === "call";
  const at = Date.parse(said.message.at);
  const other = all
    .filter((one) => one.id === said.id && one.message.direction !== said.message.direction && (one.kind === "call") !== isCall && one.kind !== "other")
    .filter((one) => (isCall ? Date.parse(one.message.at) >= at : Date.parse(one.message.at) <= at))
    .sort((a, b) => Math.abs(Date.parse(a.message.at) - at) - Math.abs(Date.parse(b.message.at) - at))[0];
  const found = other ?? null;
  return isCall ? { call: said, answer: found } : { call: found, answer: said.kind === "other" ? null : said };
}

/** Our own calls among what passed, oldest first, each followed by what the station said to it. */
export function ours(passed: readonly MessageView[]): MessageView[] {
  const all = withLatency(passed);
  const calls = all.filter(({ kind, message }) => kind === "call" && message.direction === "out").reverse();
  return calls.flatMap((call) => [call, exchangeOf(call, all).answer]).flatMap((one) => (one === null ? [] : [one.message]));
}

/** The kind and the id of a frame, without decoding all of it. */
function opened(frame: string): [Said["kind"], string] {
  const found = /^\s*\[\s*(\d)\s*,\s*"([^"]*)"/.exec(frame);
  return found === null ? ["other", ""] : [KINDS[Number(found[1])] ?? "other", found[2] ?? ""];
}
