import type { Icon } from "@tabler/icons-react";
import type { AnyRoute } from "@tanstack/react-router";
import type { MessageKey } from "../i18n";

export interface Entry {
  to: string;
  label: MessageKey;
  icon: Icon;
  /** Which permission shows it; none shows it to everybody. */
  permission?: string;
  /** g and this letter go there. */
  key: string;
  group?: "network" | "house";
}

/** What one may have a station do from anywhere. */
export interface Deed {
  /** The command's name, as the API has it. */
  name: string;
  permission: string;
}

/** What a room adds to the console: entries of the rail, and its pages. */
export interface Room<R extends readonly AnyRoute[]> {
  entries: readonly Entry[];
  deeds?: readonly Deed[];
  routes: R;
}

export function room<const R extends readonly AnyRoute[]>(made: Room<R>): Room<R> {
  return made;
}
