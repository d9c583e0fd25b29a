/** Power into vehicles over the last day: averages of five minutes, and at the end what was told just now. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { powerQuery } from "../api/queries";
import { useT } from "../i18n";
import { power } from "../lib/format";
import { Loaded } from "./basics";
import { Chart, type Series } from "./Chart";
import { dayPoints, type Point } from "./day";

const NONE: readonly Point[] = [];

export function PowerDay({ site, live = NONE, height = 200 }: { site?: string; live?: readonly Point[]; height?: number }) {
  const t = useT();
  const history = useQuery(powerQuery(site));
  const language = t.language;
  const data = history.data;
  const series = useMemo<Series[]>(
    () => [{ name: t("overview.power"), points: data ? dayPoints(data, live) : [], format: (w) => power(w, language), tone: "charging", filled: true }],
    [data, live, t, language],
  );
  return (
    <Loaded query={history} rows={5}>
      {({ begins_at, ends_at }) => (
        <Chart label={t("overview.day_chart")} series={series} height={height} from={Date.parse(begins_at)} to={Math.max(Date.parse(ends_at), live.at(-1)?.[0] ?? 0)} />
      )}
    </Loaded>
  );
}
