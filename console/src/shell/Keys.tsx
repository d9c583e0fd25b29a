import { Modal } from "@mantine/core";
import { useT } from "../i18n";
import type { Entry } from "./room";

export function Keys({ opened, close, entries }: { opened: boolean; close: () => void; entries: readonly Entry[] }) {
  const t = useT();
  const rows: [string, string][] = [
    ["⌘K / Ctrl K", t("keys.search")],
    ["/", t("keys.filter")],
    ["j k", t("keys.rows")],
    ["Enter", t("keys.open")],
    ["x", t("keys.choose")],
    ...entries.map(({ key, label }): [string, string] => [`g ${key}`, t(label)]),
    ["?", t("keys.title")],
  ];
  return (
    <Modal opened={opened} onClose={close} title={t("keys.title")} closeButtonProps={{ "aria-label": t("close") }}>
      <dl className="facts">
        {rows.map(([key, what]) => (
          <div key={key} style={{ display: "contents" }}>
            <dt><kbd>{key}</kbd></dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
