/** A secret, this once. */
import { Button, CopyButton } from "@mantine/core";
import { useT } from "../../i18n";

export function Secret({ secret, done }: { secret: string; done: () => void }) {
  const t = useT();
  return (
    <div className="stack">
      <p>{t("webhooks.once")}</p>
      <code style={{ overflowWrap: "anywhere" }} data-secret>{secret}</code>
      <p className="soft">{t("webhooks.verify_text")}</p>
      <div className="row">
        <CopyButton value={secret}>{({ copied, copy }) => <Button onClick={copy}>{copied ? t("copied") : t("copy")}</Button>}</CopyButton>
        <Button variant="default" onClick={done}>{t("close")}</Button>
      </div>
    </div>
  );
}
