/** Power into vehicles over the last day, stacked by site, or by station of a site: averages of quarter hours, and at the end what was told just now. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { powerQuery, siteSummariesQuery } from "../api/queries";
import { useT } from "../i18n";
import { power } from "../lib/format";
import { Loaded } from "./basics";
import { Chart, type Series } from "./Chart";
import { dayPoints, partsOf, type Point } from "./day";

const NONE: readonly Point[] = [];

export function PowerDay({ site, live = NONE, height = 200 }: { site?: string; live?: readonly Point[]; height?: number }) {
  const t = useT();
  const history = useQuery(powerQuery(site));
  const sites = useQuery({ ...siteSummariesQuery, enabled: site === undefined });
  const language = t.language;
  const { data, dataUpdatedAt } = history;
  const series = useMemo<Series[]>(() => {
    if (!data) return [];
    const format = (w: number) => power(w, language);
    const moments = dayPoints(data, dataUpdatedAt, NONE).map(([at]) => at);
    const names = new Map(sites.data?.map((one) => [one.site, one.name]));
    const parts = partsOf(data, { nowhere: t("sites.nowhere"), rest: t("sites.rest") }, names);
    return [
      ...parts.map(({ name, tone, power_w }): Series => ({ name, format, tone, stacked: true, points: moments.map((at, n) => [at, power_w[n] ?? null]) })),
      { name: t(parts.length > 0 ? "overview.together" : "overview.power"), points: dayPoints(data, dataUpdatedAt, live), format, tone: "charging", filled: parts.length === 0 },
    ];
  }, [data, dataUpdatedAt, live, sites.data, t, language]);
  return (
    <Loaded query={history} rows={5}>
      {({ begins_at, ends_at }) => (
        <>
          <Chart label={t("overview.day_chart")} series={series} height={height} from={Date.parse(begins_at)} to={Math.max(Date.parse(ends_at), live.at(-1)?.[0] ?? 0)} />
          {series.length > 1 && (
            <ul className="keys" aria-hidden>
              {series.filter(({ stacked }) => stacked).map(({ name, tone }) => <li key={name}><i className="patch" data-tone={tone} />{name}</li>)}
            </ul>
          )}
        </>
      )}
    </Loaded>
  );
}
