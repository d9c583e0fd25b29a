import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { Entry } from "./room";

const CHORD_MS = 1_000;
const TYPING = "input, textarea, select, [contenteditable=true]";

/** ⌘K and the one-letter keys. They do nothing while somebody types or a dialog is open. */
export function useShortcuts(entries: readonly Entry[], act: { search: () => void; help: () => void }): void {
  const navigate = useNavigate();
  const latest = useRef({ entries, act });
  latest.current = { entries, act };
  useEffect(() => {
    let chordUntil = 0;
    const onKey = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        latest.current.act.search();
        return;
      }
      const target = event.target instanceof Element ? event.target : null;
      if (event.metaKey || event.ctrlKey || event.altKey || target?.closest(TYPING) || document.querySelector("[role=dialog]")) return;
      if (event.timeStamp < chordUntil) {
        chordUntil = 0;
        const entry = latest.current.entries.find(({ key }) => key === event.key);
        if (entry !== undefined) void navigate({ to: entry.to });
      } else if (event.key === "g") chordUntil = event.timeStamp + CHORD_MS;
      else if (event.key === "?") latest.current.act.help();
      else if (event.key === "/") focus("[data-filter]");
      else if (event.key === "j" && target?.closest("[data-table-body]") === null) focus("[data-table-body]");
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [navigate]);
}

function focus(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}
