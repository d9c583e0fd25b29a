import { useSyncExternalStore } from "react";

// One clock for the page: all "4 min ago" move together, and no row has a timer of its own.
const TICK_MS = 10_000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const one of listeners) one();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

function current(): number {
  if (listeners.size === 0) now = Date.now();
  return now;
}

/** The moment, renewed every ten seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, current);
}
