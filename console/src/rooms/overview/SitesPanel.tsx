import { SegmentedControl } from "@mantine/core";
import { useLocalStorage, useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { siteSummariesQuery } from "../../api/queries";
import { useT } from "../../i18n";
import { Loaded, Panel } from "../../parts/basics";
import { SiteMap } from "../../parts/SiteMap";
import { SiteTable } from "../sites/SiteTable";

const HEIGHT = 380;
const SHAPES = ["map", "table"] as const;
type Shape = (typeof SHAPES)[number];

/** Sites on a map, or as a table; on a phone as a table until the map is wanted. */
export function SitesPanel() {
  const t = useT();
  const sites = useQuery(siteSummariesQuery);
  const phone = useMediaQuery("(max-width: 760px)", false, { getInitialValueInEffect: false });
  const [chosen, choose] = useLocalStorage<Shape | "">({ key: "forecourt.sites", defaultValue: "", getInitialValueInEffect: false });
  const shape = chosen || (phone ? "table" : "map");
  return (
    <Panel
      title={t("overview.sites")} flush
      aside={<SegmentedControl aria-label={t("map.as")} value={shape} onChange={(value) => choose(value as Shape)} data={SHAPES.map((value) => ({ value, label: t(`map.${value}`) }))} />}
    >
      <Loaded query={sites} rows={8}>
        {(found) => (
          <>
            {shape === "map" && found.length > 0 ? (
              <>
                <SiteMap sites={found} height={HEIGHT} label={t("map.label")} instead={<SiteTable sites={found} short />} />
                <p className="sr">{t("map.legend")}</p>
              </>
            ) : (
              <SiteTable sites={found} short />
            )}
          </>
        )}
      </Loaded>
    </Panel>
  );
}
