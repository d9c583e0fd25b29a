import { Autocomplete, Button, Modal, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { useT } from "../../i18n";
import { Refused } from "../../parts/basics";
import { PointHere } from "./PointHere";

/** The alphabet of a password that somebody may have to type on a station's small display. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/** OCPP 1.6 takes at most 20; 20 of these are 114 bits. */
const LENGTH = 20;

function password(): string {
  // Numbers beyond the last whole multiple would favour the first letters.
  const limit = 256 - (256 % ALPHABET.length);
  const letters: string[] = [];
  while (letters.length < LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH))) {
      if (byte < limit && letters.length < LENGTH) letters.push(ALPHABET[byte % ALPHABET.length]!);
    }
  }
  return letters.join("");
}

export function AddStation({ opened, close, sites }: { opened: boolean; close: () => void; sites: readonly string[] }) {
  const t = useT();
  return (
    <Modal opened={opened} onClose={close} title={t("stations.add")} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
      {opened && <AddForm sites={sites} />}
    </Modal>
  );
}

/** Makes a station known, then shows what to enter at the station. The password is shown this once. */
export function AddForm({ sites }: { sites: readonly string[] }) {
  const t = useT();
  const client = useQueryClient();
  const [id, setId] = useState("");
  const [site, setSite] = useState("");
  const [secret] = useState(password);
  const add = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/stations", { body: { id: id.trim(), site: site.trim(), password: secret } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.stationLists }),
  });
  if (add.isSuccess) return <PointHere station={id.trim()} password={secret} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <TextInput label={t("stations.identity")} description={t("stations.identity_text")} required maxLength={48} data-autofocus value={id} onChange={(e) => setId(e.currentTarget.value)} />
      <Autocomplete size="xs" label={t("stations.site")} data={[...sites]} value={site} onChange={setSite} />
      <Refused error={add.error} />
      <div className="row"><Button type="submit" loading={add.isPending}>{t("stations.add")}</Button></div>
    </form>
  );
}
