import { ActionIcon } from "@mantine/core";
import { IconBell, IconBellRinging } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { openAlarmsQuery } from "../api/queries";
import { useT } from "../i18n";
import { useMay } from "./session";

const SHOWN_MAX = 99;

/** How many alarms nobody has looked at yet; leads to them. */
export function Bell() {
  const t = useT();
  const may = useMay();
  const open = useQuery({ ...openAlarmsQuery, enabled: may("stations.read") });
  if (!may("stations.read")) return null;
  const n = open.data?.items.length ?? 0;
  const Shape = n > 0 ? IconBellRinging : IconBell;
  return (
    <ActionIcon component={Link} to="/alarms" className="bell" aria-label={t("alarms.bell", { n: n > SHOWN_MAX ? `${SHOWN_MAX}+` : n })}>
      <Shape size={17} stroke={1.6} />
      {n > 0 && <span className="badge" aria-hidden>{n > SHOWN_MAX ? `${SHOWN_MAX}+` : n}</span>}
    </ActionIcon>
  );
}
