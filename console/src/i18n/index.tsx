/** Texts by key, in the reader's language. A key that one language lacks does not compile. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { de } from "./de";
import { en } from "./en";

export type MessageKey = keyof typeof en;
export type Language = "en" | "de";
export const LANGUAGES: Readonly<Record<Language, string>> = { en: "English", de: "Deutsch" };
const TEXTS: Readonly<Record<Language, Readonly<Record<MessageKey, string>>>> = { en, de };
const KEPT_AS = "forecourt.language";

export interface Translate {
  (key: MessageKey, values?: Readonly<Record<string, string | number>>): string;
  readonly language: Language;
  /** The text of a word that the platform sent, or the word itself where we have none. */
  word(group: string, value: string): string;
}

export function translator(language: Language): Translate {
  const texts = TEXTS[language];
  const say = (key: MessageKey, values: Readonly<Record<string, string | number>> = {}): string =>
    texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  return Object.assign(say, {
    language,
    word: (group: string, value: string): string => {
      const key = `${group}.${value}`;
      return key in texts ? texts[key as MessageKey] : value.replaceAll("_", " ");
    },
  });
}

function preferred(): Language {
  const kept = localStorage.getItem(KEPT_AS);
  if (kept === "en" || kept === "de") return kept;
  return navigator.language.startsWith("de") ? "de" : "en";
}

const Texts = createContext<{ t: Translate; choose: (language: Language) => void } | null>(null);

export function TextsProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(preferred);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const value = useMemo(
    () => ({
      t: translator(language),
      choose: (chosen: Language) => {
        localStorage.setItem(KEPT_AS, chosen);
        setLanguage(chosen);
      },
    }),
    [language],
  );
  return <Texts value={value}>{children}</Texts>;
}

function useTexts() {
  const texts = useContext(Texts);
  if (texts === null) throw new Error("no TextsProvider above");
  return texts;
}

export function useT(): Translate {
  return useTexts().t;
}

export function useChooseLanguage(): (language: Language) => void {
  return useTexts().choose;
}
