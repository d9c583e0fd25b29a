/** Who waits for whoever sits there to show who it is. */
import { Store } from "../lib/store";

type Settle = (shown: boolean) => void;

export const waiting = new Store<readonly Settle[]>([]);

/** Whether it was shown; several that ask at once are told at once. */
export const confirmation = (): Promise<boolean> => new Promise((settle) => waiting.set([...waiting.read(), settle]));

export function settle(shown: boolean): void {
  const asked = waiting.read();
  waiting.set([]);
  for (const one of asked) one(shown);
}
