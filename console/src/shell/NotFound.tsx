import { IconMapPinOff } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { Note, Page } from "../parts/basics";
import { useT } from "../i18n";

export function NotFound() {
  const t = useT();
  return (
    <Page title={t("notfound.title")}>
      <Note icon={IconMapPinOff} title={t("notfound.title")} action={<Link to="/" className="link">{t("notfound.home")}</Link>}>
        {t("notfound.text")}
      </Note>
    </Page>
  );
}
