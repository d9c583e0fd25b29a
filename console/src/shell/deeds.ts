/** What was typed, as a deed at a station: "reset CP001". */
import type { Translate } from "../i18n";
import type { Deed } from "./room";

export interface Wish {
  deeds: readonly Deed[];
  /** What the station's name may have in it; empty: the station whose page is open. */
  station: string;
}

const DEEDS_MAX = 3;
/** Fewer letters begin too many words. */
const LETTERS_MIN = 3;

const folded = (text: string) => text.toLowerCase().replaceAll("_", " ");

/** The deeds whose name, or word in this language, has a word that begins with all of `verb`. */
function named(deeds: readonly Deed[], verb: string, t: Translate): Deed[] {
  const begins = (words: string) => ` ${words}`.includes(` ${verb}`);
  return deeds.filter(({ name }) => begins(folded(name)) || begins(folded(t.word("command", name)))).slice(0, DEEDS_MAX);
}

/** As many words as make sense are the deed, the rest is the station. */
export function wishOf(typed: string, deeds: readonly Deed[], t: Translate): Wish | null {
  const words = typed.trim().split(/\s+/);
  for (let n = words.length; n > 0; n--) {
    const verb = folded(words.slice(0, n).join(" "));
    if (verb.length < LETTERS_MIN) return null;
    const found = named(deeds, verb, t);
    if (found.length > 0) return { deeds: found, station: words.slice(n).join(" ") };
  }
  return null;
}
