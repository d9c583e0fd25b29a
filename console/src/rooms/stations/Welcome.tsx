import { Link } from "@tanstack/react-router";
import { useT } from "../../i18n";
import { Page, Panel } from "../../parts/basics";
import { AddForm } from "./AddStation";

/** After the first owner was made: the first station. */
export function Welcome() {
  const t = useT();
  return (
    <Page title={t("welcome.title")} aside={<Link to="/" className="link">{t("welcome.later")}</Link>}>
      <div style={{ maxWidth: 640 }}>
        <Panel title={t("welcome.station")}>
          <AddForm sites={[]} />
        </Panel>
      </div>
    </Page>
  );
}
