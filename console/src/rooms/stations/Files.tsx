import { IconFileDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { jobsQuery } from "../../api/queries";
import type { JobView, StationView } from "../../api/schema";
import { useT } from "../../i18n";
import { Ago, Loaded, Note, Panel } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";

/** Updates of firmware and uploads of logs, step by step. */
export function Files({ station }: { station: StationView }) {
  const t = useT();
  const jobs = useQuery(jobsQuery(station.id));
  const columns: Column<JobView>[] = [
    { id: "kind", head: t("files.kind"), width: "minmax(140px, 1fr)", cell: (job) => t.word("job", job.kind) },
    { id: "status", head: t("files.status"), width: "minmax(130px, 1fr)", cell: (job) => job.status },
    { id: "places", head: t("files.place"), width: "minmax(160px, 2fr)", cell: (job) => <span className="mono">{job.places.join(", ") || "–"}</span> },
    { id: "begun", head: t("files.begun"), width: "130px", numeric: true, cell: (job) => <Ago at={job.begun_at} /> },
    { id: "changed", head: t("files.changed"), width: "130px", numeric: true, cell: (job) => <Ago at={job.changed_at} /> },
  ];
  return (
    <Loaded query={jobs}>
      {({ items }) =>
        items.length === 0 ? (
          <Panel><Note icon={IconFileDownload} title={t("files.none")}>{t("files.none_text", { firmware: station.firmware || "–" })}</Note></Panel>
        ) : (
          <DataTable short label={t("tab.firmware")} rows={items} columns={columns} id={(job) => `${job.kind} ${job.request_id} ${job.begun_at}`} empty={null} card={(job) => <><b>{t.word("job", job.kind)}</b><br />{job.status} · <Ago at={job.changed_at} /></>} />
        )
      }
    </Loaded>
  );
}
