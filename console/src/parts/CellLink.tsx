/** A link in a row: plain, because a table draws hundreds of them while one scrolls. */
import { useRouter } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";

type To = "/stations/$id" | "/sessions/$id" | "/sites/$id";

export function CellLink({ to, id, children }: { to: To; id: string; children: ReactNode }) {
  const router = useRouter();
  const go = (event: MouseEvent) => {
    // A new tab or a copy of the address is the browser's own business.
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void router.navigate({ to, params: { id } });
  };
  return <a href={to.replace("$id", encodeURIComponent(id))} className="cell-link" onClick={go}>{children}</a>;
}
