/** A list as a file: everything that fits the filters, not only what was read so far. */
import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useT } from "../i18n";

type Filter = string | number | boolean | null | undefined;

/** The address of a list as CSV; filters without a value ask for nothing. */
export function csvAddress(path: string, filters: Readonly<Record<string, Filter>>): string {
  const asked = new URLSearchParams({ format: "csv" });
  for (const [name, value] of Object.entries(filters)) {
    if (value !== undefined && value !== null && value !== "") asked.set(name, String(value));
  }
  return `${path}?${asked}`;
}

export function ExportCsv({ path, filters = {} }: { path: string; filters?: Readonly<Record<string, Filter>> }) {
  const t = useT();
  return (
    <Button component="a" variant="default" href={csvAddress(path, filters)} download leftSection={<IconDownload size={15} aria-hidden />}>
      {t("table.export")}
    </Button>
  );
}
