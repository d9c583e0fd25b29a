import { ActionIcon, Button, Fieldset, NativeSelect, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import type { Hours } from "../../api/schema";
import { useT } from "../../i18n";
import { oneMore, weekdays } from "./hours";

/** When a site is open: a row for each span of a day; without any it is always open. */
export function HoursFields({ hours, change }: { hours: readonly Hours[]; change: (hours: Hours[]) => void }) {
  const t = useT();
  const days = weekdays(t.language);
  const set = (index: number, changed: Partial<Hours>) => change(hours.map((one, n) => (n === index ? { ...one, ...changed } : one)));
  return (
    <Fieldset legend={t("sites.hours")} className="stack tight">
      {hours.length === 0 && <p className="soft">{t("sites.always")}</p>}
      {hours.map((one, n) => (
        <div key={n} className="row">
          <NativeSelect aria-label={t("sites.weekday")} style={{ flex: 1 }} data={days} value={String(one.weekday)} onChange={(e) => set(n, { weekday: Number(e.currentTarget.value) })} />
          <TextInput type="time" required aria-label={t("sites.opens")} value={one.begin} onChange={(e) => set(n, { begin: e.currentTarget.value })} />
          <TextInput type="time" required aria-label={t("sites.closes")} value={one.end} onChange={(e) => set(n, { end: e.currentTarget.value })} />
          <ActionIcon variant="subtle" color="gray" aria-label={t("sites.hours_remove")} onClick={() => change(hours.filter((_, at) => at !== n))}><IconX size={15} /></ActionIcon>
        </div>
      ))}
      <div className="row">
        <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={() => change(oneMore(hours))}>{t("sites.hours_add")}</Button>
        {hours.some(({ begin, end }) => end <= begin) && <span className="soft">{t("sites.hours_night")}</span>}
      </div>
    </Fieldset>
  );
}
