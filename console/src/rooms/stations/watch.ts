/** A station's raw messages as they pass, while somebody looks; nothing is asked for again and again. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { keys } from "../../api/keys";
import type { MessageView } from "../../api/schema";

const GATHER_MS = 120;
const HELD_MAX = 2_000;

/** What passed since it was turned on, newest first. */
export function useWatch(station: string, on: boolean): readonly MessageView[] {
  const client = useQueryClient();
  const [passed, setPassed] = useState<readonly MessageView[]>([]);
  useEffect(() => {
    if (!on) return undefined;
    let waiting: MessageView[] = [];
    let gather: ReturnType<typeof setTimeout> | undefined;
    const source = new EventSource(`/api/v1/stations/${encodeURIComponent(station)}/messages/live`);
    const flush = () => {
      gather = undefined;
      const newest = waiting.reverse();
      waiting = [];
      setPassed((before) => [...newest, ...before].slice(0, HELD_MAX));
    };
    source.addEventListener("message", (event: MessageEvent<string>) => {
      waiting.push(JSON.parse(event.data) as MessageView);
      gather ??= setTimeout(flush, GATHER_MS);
    });
    // What passed before the line stood, or while it was broken, is in the log.
    source.onopen = () => void client.invalidateQueries({ queryKey: keys.messages(station) });
    return () => {
      clearTimeout(gather);
      source.close();
    };
  }, [client, station, on]);
  useEffect(() => setPassed([]), [station]);
  return passed;
}
