/** The one table: virtual rows, keys j, k, Enter and x, cards on a phone; more pages as one scrolls. */
import { Checkbox } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useT } from "../i18n";
import { count } from "../lib/format";

export interface Column<T> {
  id: string;
  head: ReactNode;
  cell: (row: T) => ReactNode;
  /** As in CSS grid, e.g. "120px" or "minmax(120px, 2fr)". */
  width: string;
  numeric?: boolean;
  /** What the platform calls it, where the list may be sorted by it. */
  sort?: string;
}

interface Props<T> {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  id: (row: T) => string;
  /** What a row is on a phone. */
  card: (row: T) => ReactNode;
  cardHeight?: number;
  open?: (row: T) => void;
  /** Reads the next page; absent when all is there. */
  more?: (() => void) | undefined;
  chosen?: ReadonlySet<string>;
  choose?: (chosen: ReadonlySet<string>) => void;
  empty: ReactNode;
  foot?: ReactNode;
  /** The order it is in: a column's `sort`, with a minus for the other direction. */
  sort?: string | undefined;
  onSort?: (sort: string) => void;
  /** As high as its rows, not as the page. */
  short?: boolean;
  /** Inside of a panel, whose frame it has. */
  bare?: boolean;
}

const ROW = 36;
const AHEAD = 40;

export function DataTable<T>({ label, rows, columns, id, card, cardHeight = 84, open, more, chosen, choose, empty, foot, sort, onSort, short = false, bare = false }: Props<T>) {
  const t = useT();
  const phone = useMediaQuery("(max-width: 760px)", false, { getInitialValueInEffect: false });
  const scroll = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState(-1);
  const height = phone ? cardHeight : ROW;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    // All are of one height, so that a place is its index; a key for each would be made anew with each drawing.
    estimateSize: () => height,
    overscan: 12,
  });
  useEffect(() => virtual.measure(), [height, virtual]);

  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (more !== undefined && last >= rows.length - AHEAD) more();
  }, [last, rows.length, more]);

  const selectable = chosen !== undefined && choose !== undefined && !phone;
  const flip = (row: T) => {
    const next = new Set(chosen);
    if (!next.delete(id(row))) next.add(id(row));
    choose?.(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    const row = rows[current];
    if (step !== undefined) {
      const target = Math.min(rows.length - 1, Math.max(0, current + step));
      setCurrent(target);
      virtual.scrollToIndex(target);
    } else if (event.key === "Enter" && row !== undefined && event.target === scroll.current) open?.(row);
    else if (event.key === "x" && row !== undefined && selectable) flip(row);
    else return;
    event.preventDefault();
  };

  // The same for every drawing, so that a row is drawn again only when it changed itself.
  const latest = useRef({ open, flip });
  latest.current = { open, flip };
  const acts = useMemo<Acts<T>>(() => ({ point: setCurrent, open: (row) => latest.current.open?.(row), flip: (row) => latest.current.flip(row) }), []);

  const className = `table${short ? "" : " fill"}${bare ? " bare" : ""}`;
  if (rows.length === 0) return <div className={className}>{empty}</div>;
  const template = (selectable ? "18px " : "") + columns.map((column) => column.width).join(" ");
  return (
    <div className={className} style={{ "--columns": template } as React.CSSProperties}>
      <div role="table" aria-label={label} aria-rowcount={more ? -1 : rows.length + 1} style={{ display: "contents" }}>
        {!phone && (
          <div role="rowgroup" style={{ display: "contents" }}>
            <div role="row" className="thead" aria-rowindex={1}>
              {selectable && (
                <span role="columnheader">
                  <Checkbox
                    aria-label={t("table.all")}
                    checked={chosen.size > 0 && chosen.size >= rows.length}
                    indeterminate={chosen.size > 0 && chosen.size < rows.length}
                    onChange={(event) => choose(new Set(event.currentTarget.checked ? rows.map(id) : []))}
                  />
                </span>
              )}
              {columns.map((column) => (
                <span
                  role="columnheader" key={column.id} className={column.numeric ? "num" : undefined}
                  aria-sort={column.sort === undefined || sort === undefined ? undefined : sort === column.sort ? "ascending" : sort === `-${column.sort}` ? "descending" : "none"}
                >
                  {column.sort === undefined || onSort === undefined ? column.head : <SortHead by={column.sort} sort={sort} onSort={onSort}>{column.head}</SortHead>}
                </span>
              ))}
            </div>
          </div>
        )}
        <div
          ref={scroll}
          role="rowgroup"
          className={short ? "tbody auto" : "tbody"}
          tabIndex={0}
          data-table-body
          aria-label={label}
          onKeyDown={onKeyDown}
          style={short ? { maxHeight: 420, height: Math.min(420, rows.length * height) } : undefined}
        >
          <div role="presentation" style={{ height: virtual.getTotalSize(), position: "relative" }}>
            {items.map((item) => {
              const row = rows[item.index]!;
              return (
                <Row
                  key={id(row)} row={row} name={id(row)} index={item.index} start={item.start} height={height} current={item.index === current}
                  columns={phone ? undefined : columns} card={phone ? card : undefined} chosen={selectable ? chosen.has(id(row)) : undefined} acts={acts}
                />
              );
            })}
          </div>
        </div>
      </div>
      <div className="tfoot">
        <span>{t(more ? "table.rows_more" : rows.length === 1 ? "table.row" : "table.rows", { n: count(rows.length, t.language) })}</span>
        {foot}
      </div>
    </div>
  );
}

interface Acts<T> {
  point: (index: number) => void;
  open: (row: T) => void;
  flip: (row: T) => void;
}

interface RowProps<T> {
  row: T;
  name: string;
  index: number;
  start: number;
  height: number;
  current: boolean;
  columns: readonly Column<T>[] | undefined;
  card: ((row: T) => ReactNode) | undefined;
  /** Undefined where rows cannot be chosen. */
  chosen: boolean | undefined;
  acts: Acts<T>;
}

function PlainRow<T>({ row, name, index, start, height, current, columns, card, chosen, acts }: RowProps<T>) {
  const t = useT();
  return (
    <div
      role="row" aria-rowindex={index + 2} className={card ? "tcard" : "trow"} data-current={current || undefined}
      style={{ height, transform: `translateY(${start}px)` }} onClick={() => acts.point(index)} onDoubleClick={() => acts.open(row)}
    >
      {chosen !== undefined && (
        <span role="cell">
          <input type="checkbox" className="tick" aria-label={t("table.choose", { row: name })} checked={chosen} onChange={() => acts.flip(row)} />
        </span>
      )}
      {card ? (
        <div role="cell">{card(row)}</div>
      ) : (
        columns?.map((column) => (
          <span role="cell" key={column.id} className={column.numeric ? "num" : undefined}>
            {column.cell(row)}
          </span>
        ))
      )}
    </div>
  );
}

const Row = memo(PlainRow) as typeof PlainRow;

function SortHead({ by, sort, onSort, children }: { by: string; sort: string | undefined; onSort: (sort: string) => void; children: ReactNode }) {
  const up = sort === by;
  const down = sort === `-${by}`;
  return (
    <button type="button" className="plain thead-sort" onClick={() => onSort(up ? `-${by}` : by)}>
      {children}
      {up && <IconArrowUp size={12} aria-hidden />}
      {down && <IconArrowDown size={12} aria-hidden />}
    </button>
  );
}
