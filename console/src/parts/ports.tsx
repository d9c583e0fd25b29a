/** A site's ports in words: each share with its icon, its number and its name. */
import type { SitePorts as Ports } from "../api/schema";
import { useT } from "../i18n";
import { count } from "../lib/format";
import { Glow } from "./basics";
import { LIKE, PORT_KINDS } from "./ring";
import { State } from "./states";

export function PortLine({ ports, words = false }: { ports: Ports; words?: boolean }) {
  const t = useT();
  const held = PORT_KINDS.filter((kind) => ports[kind] > 0);
  if (held.length === 0) return <span className="soft">–</span>;
  return (
    <span className="row wrap" style={{ gap: "2px 12px" }}>
      {held.map((kind) => (
        <Glow key={kind} value={ports[kind]}>
          <span title={t(`ports.${kind}`)}>
            <State state={LIKE[kind]} label={words ? `${count(ports[kind], t.language)} ${t(`ports.${kind}`)}` : count(ports[kind], t.language)} />
            {!words && <span className="sr"> {t(`ports.${kind}`)}</span>}
          </span>
        </Glow>
      ))}
    </span>
  );
}
