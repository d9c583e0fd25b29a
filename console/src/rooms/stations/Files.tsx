import { Button } from "@mantine/core";
import { IconCircleCheck, IconClock, IconDownload, IconFileDownload, IconLoader, IconUpload, IconX, type Icon } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { jobsQuery } from "../../api/queries";
import type { JobView, Phase, StationView } from "../../api/schema";
import { useT } from "../../i18n";
import { clock, exact } from "../../lib/format";
import { useZone } from "../../lib/zones";
import { Ago, Loaded, Note, Panel } from "../../parts/basics";
import type { Tone } from "../../parts/states";
import { useMay } from "../../shell/session";

const LOOKS: Readonly<Record<Phase, readonly [Tone, Icon]>> = {
  waiting: ["waiting", IconClock],
  running: ["charging", IconLoader],
  done: ["available", IconCircleCheck],
  failed: ["faulted", IconX],
};

/** Updates of firmware and uploads of logs and diagnostics, step by step as the station told them. */
export function Files({ station, ask }: { station: StationView; ask: (command: string) => void }) {
  const t = useT();
  const may = useMay();
  const jobs = useQuery(jobsQuery(station.id));
  return (
    <>
      <div className="filters">
        <span>{t("stations.firmware")} <b className="mono">{station.firmware || "–"}</b></span>
        {may("commands.send") && (
          <span className="row push">
            <Button variant="default" leftSection={<IconUpload size={14} />} onClick={() => ask("get_log")}>{t("command.get_log")}</Button>
            <Button variant="default" leftSection={<IconDownload size={14} />} onClick={() => ask("update_firmware")}>{t("command.update_firmware")}</Button>
          </span>
        )}
      </div>
      <Loaded query={jobs}>
        {({ items }) =>
          items.length === 0 ? (
            <Panel><Note icon={IconFileDownload} title={t("files.none")}>{t("files.none_text", { firmware: station.firmware || "–" })}</Note></Panel>
          ) : (
            <div className="stack">{items.map((job) => <Job key={`${job.kind} ${job.request_id} ${job.begun_at}`} job={job} />)}</div>
          )
        }
      </Loaded>
    </>
  );
}

function Job({ job }: { job: JobView }) {
  const t = useT();
  const zone = useZone();
  const [tone, Shape] = LOOKS[job.phase];
  return (
    <Panel
      title={<span className="row"><span className="state" data-tone={tone}><Shape size={15} aria-hidden />{t.word("phase", job.phase)}</span> {t.word("job", job.kind)}{job.request_id !== null && <span className="soft">{t("files.request", { id: job.request_id })}</span>}</span>}
      aside={<span className="soft"><Ago at={job.changed_at} /></span>}
    >
      <ol className="steps">
        {job.steps.map((step) => (
          <li key={`${step.at} ${step.status}`}>
            <time dateTime={step.at} title={exact(step.at, t.language, zone)} className="soft">{clock(step.at, t.language, zone)}</time> <b>{step.status}</b> <span className="soft">{step.info}</span>
          </li>
        ))}
      </ol>
      {job.places.length > 0 && <p className="mono">{job.places.join(", ")}</p>}
    </Panel>
  );
}
