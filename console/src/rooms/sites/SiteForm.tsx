import { Autocomplete, Button, NumberInput, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import type { Hours, SiteChange, SiteView } from "../../api/schema";
import { useT } from "../../i18n";
import { houseZone } from "../../lib/zones";
import { Refused } from "../../parts/basics";
import { HoursFields } from "./HoursFields";

const ZONES = Intl.supportedValuesOf("timeZone");

interface Filled {
  name: string;
  address: string;
  postal_code: string;
  city: string;
  country: string;
  latitude: number | string;
  longitude: number | string;
  zone: string;
  hours: readonly Hours[];
}

function filledOf(site: SiteView | undefined): Filled {
  return {
    name: site?.name ?? "", address: site?.address.join("\n") ?? "", postal_code: site?.postal_code ?? "", city: site?.city ?? "", country: site?.country ?? "",
    latitude: site?.latitude ?? "", longitude: site?.longitude ?? "", zone: site?.zone ?? "", hours: site?.hours ?? [],
  };
}

/** What the API takes; a place that is left empty is left out. */
export function bodyOf(filled: Filled): SiteChange {
  const { address, latitude, longitude, country, hours, ...rest } = filled;
  return {
    ...rest,
    hours: [...hours],
    country: country.trim().toUpperCase(),
    address: address.split("\n").map((line) => line.trim()).filter(Boolean),
    ...(typeof latitude === "number" && { latitude }),
    ...(typeof longitude === "number" && { longitude }),
  };
}

/** Changes a site, or makes a new one known. */
export function SiteForm({ site, done }: { site?: SiteView; done: (id: string) => void }) {
  const t = useT();
  const client = useQueryClient();
  const [id, setId] = useState("");
  const [filled, setFilled] = useState(() => filledOf(site));
  const save = useMutation({
    mutationFn: () => {
      const body = bodyOf(filled);
      if (site !== undefined) return ask(api.PATCH("/api/v1/sites/{site_id}", { params: { path: { site_id: site.id } }, body }));
      return ask(api.POST("/api/v1/sites", { body: { ...body, id: id.trim(), name: filled.name.trim() || id.trim() } as never }));
    },
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: keys.sites });
      await client.invalidateQueries({ queryKey: keys.site(saved.id) });
      done(saved.id);
    },
  });
  const set = (change: Partial<Filled>) => setFilled((before) => ({ ...before, ...change }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      {site === undefined && <TextInput label={t("sites.id")} description={t("sites.id_text")} required maxLength={200} data-autofocus value={id} onChange={(e) => setId(e.currentTarget.value)} />}
      <TextInput label={t("sites.name")} required={site !== undefined} maxLength={200} value={filled.name} onChange={(e) => set({ name: e.currentTarget.value })} />
      <Textarea label={t("sites.address")} autosize minRows={1} maxRows={5} value={filled.address} onChange={(e) => set({ address: e.currentTarget.value })} />
      <div className="fields">
        <TextInput label={t("sites.postal_code")} maxLength={20} value={filled.postal_code} onChange={(e) => set({ postal_code: e.currentTarget.value })} />
        <TextInput label={t("sites.city")} maxLength={200} value={filled.city} onChange={(e) => set({ city: e.currentTarget.value })} />
        <TextInput label={t("sites.country")} description={t("sites.country_text")} maxLength={2} value={filled.country} onChange={(e) => set({ country: e.currentTarget.value })} />
      </div>
      <div className="fields">
        <NumberInput label={t("sites.latitude")} min={-90} max={90} decimalScale={6} hideControls value={filled.latitude} onChange={(latitude) => set({ latitude })} />
        <NumberInput label={t("sites.longitude")} min={-180} max={180} decimalScale={6} hideControls value={filled.longitude} onChange={(longitude) => set({ longitude })} />
      </div>
      <Autocomplete size="xs" label={t("sites.zone")} description={t("sites.zone_text", { zone: houseZone.read() })} data={ZONES} limit={50} value={filled.zone} onChange={(zone) => set({ zone })} />
      <HoursFields hours={filled.hours} change={(hours) => set({ hours })} />
      <Refused error={save.error} />
      <div className="row"><Button type="submit" loading={save.isPending}>{t("save")}</Button></div>
    </form>
  );
}
