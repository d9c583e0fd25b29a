import { useComputedColorScheme } from "@mantine/core";
import { useReducedMotion } from "@mantine/hooks";
import { LineChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, TooltipComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { useT } from "../i18n";
import { clock, day, hour } from "../lib/format";
import { useZone } from "../lib/zones";
import type { ChartProps, Series } from "./Chart";

use([LineChart, GridComponent, TooltipComponent, DataZoomComponent, CanvasRenderer]);

type Drawing = ReturnType<typeof init>;

export default function ChartCanvas({ series, height = 240, from, to, zoom = false }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | null>(null);
  const { language } = useT();
  const zone = useZone();
  const colorScheme = useComputedColorScheme("light");
  const still = useReducedMotion();

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = init(element);
    drawing.current = made;
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.dispose();
      drawing.current = null;
    };
  }, []);

  useEffect(() => {
    const element = place.current;
    if (element === null || drawing.current === null) return;
    const style = getComputedStyle(element);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    drawing.current.setOption(options(series, { colour, language, zone, from, to, zoom, still }), { replaceMerge: ["series"] });
  }, [series, language, zone, colorScheme, from, to, zoom, still]);

  return <div ref={place} style={{ height }} />;
}

interface Look {
  colour: (name: string) => string;
  language: string;
  zone: string;
  from: number | undefined;
  to: number | undefined;
  zoom: boolean;
  still: boolean;
}

function options(series: readonly Series[], look: Look): EChartsCoreOption {
  const { colour, language } = look;
  const label = { color: colour("soft"), fontSize: 11 };
  const right = series.some((one) => one.axis === 1);
  const scale = (axis: 0 | 1) => {
    const format = series.find((one) => (one.axis ?? 0) === axis)?.format ?? String;
    return {
      type: "value",
      axisLabel: { ...label, formatter: format },
      splitLine: { show: axis === 0, lineStyle: { color: colour("line") } },
      splitNumber: 4,
      min: (value: { min: number }) => Math.min(0, value.min),
      // Where all is nothing, the marks would be parts of one.
      max: (value: { max: number }) => (value.max > 0 ? null : NOTHING_UP_TO),
    };
  };
  return {
    animation: false,
    grid: { left: 8, right: right ? 8 : 16, top: 16, bottom: look.zoom ? 34 : 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    xAxis: {
      type: "time",
      min: look.from,
      max: look.to,
      axisLine: { lineStyle: { color: colour("line-strong") } },
      axisTick: { show: false },
      // The library knows the reader's own zone and UTC alone.
      axisLabel: { ...label, hideOverlap: true, formatter: (at: number) => tick(at, look) },
      axisPointer: { show: true, lineStyle: { color: colour("line-strong") }, label: { show: false } },
    },
    yAxis: right ? [scale(0), scale(1)] : scale(0),
    tooltip: {
      trigger: "axis",
      confine: true,
      backgroundColor: colour("panel"),
      borderColor: colour("line-strong"),
      textStyle: { color: colour("ink"), fontSize: 12 },
      transitionDuration: 0,
      // No style may stand in the text: the content security policy would refuse it.
      formatter: (found: { seriesIndex: number; value: [number, number | null] }[]) => tip(found, series, language, look.zone),
    },
    dataZoom: look.zoom
      ? [
          { type: "inside" },
          {
            type: "slider", height: 16, bottom: 4, borderColor: colour("line"), fillerColor: colour("accent-soft"),
            backgroundColor: "transparent", showDetail: false, showDataShadow: false, handleStyle: { color: colour("accent"), borderColor: colour("accent") },
            moveHandleSize: 0, brushSelect: false,
          },
        ]
      : [],
    series: series.map((one) => ({
      type: "line",
      name: one.name,
      data: one.points,
      yAxisIndex: one.axis ?? 0,
      showSymbol: false,
      connectNulls: false,
      sampling: one.stacked ? undefined : "lttb",
      stack: one.stacked ? "parts" : undefined,
      lineStyle: { width: one.stacked ? 0 : 1.5, color: colour(one.tone) },
      itemStyle: { color: colour(one.tone) },
      areaStyle: one.stacked || one.filled ? { color: colour(one.tone), opacity: one.stacked ? 0.6 : 0.1 } : undefined,
      endLabel: series.length > 1 ? { show: false } : undefined,
    })),
  };
}

/** In W or Wh. */
const NOTHING_UP_TO = 1_000;
const SHORT_MS = 10 * 60_000;

/** The hour, and the day where it begins; seconds where the whole chart is a few minutes. */
function tick(at: number, { language, zone, from, to }: Look): string {
  if (from !== undefined && to !== undefined && to - from < SHORT_MS) return clock(at, language, zone);
  const time = hour(at, language, zone);
  return time === "00:00" ? day(at, language, zone) : time;
}

function tip(found: { seriesIndex: number; value: [number, number | null] }[], series: readonly Series[], language: string, zone: string): HTMLElement {
  const box = document.createElement("div");
  box.className = "tip";
  const time = document.createElement("div");
  time.textContent = found[0] === undefined ? "" : clock(found[0].value[0], language, zone);
  box.append(time);
  // The sum is on top, and of many parts those that are there.
  for (const { seriesIndex, value } of found.toReversed()) {
    const one = series[seriesIndex];
    if (one === undefined || (one.stacked && !value[1])) continue;
    const line = document.createElement("div");
    const figure = document.createElement("b");
    figure.textContent = value[1] === null ? "–" : one.format(value[1]);
    line.append(`${one.name} `, figure);
    box.append(line);
  }
  return box;
}
