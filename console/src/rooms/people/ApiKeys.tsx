import { Button, CopyButton, Modal, TextInput } from "@mantine/core";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { apiKeysQuery } from "../../api/queries";
import type { KeyView } from "../../api/schema";
import { useT } from "../../i18n";
import { moment } from "../../lib/format";
import { useNow } from "../../lib/now";
import { useZone } from "../../lib/zones";
import { Ago, Loaded, Note, Page, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { State } from "../../parts/states";
import { ExportCsv } from "../../parts/Export";
import { useMay } from "../../shell/session";

export function ApiKeys() {
  const zone = useZone();
  const t = useT();
  const may = useMay();
  const now = useNow();
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const found = useQuery(apiKeysQuery);
  const revoke = useMutation({
    mutationFn: (key: KeyView) => ask(api.DELETE("/api/v1/apikeys/{key_id}", { params: { path: { key_id: key.id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.apiKeys }),
  });
  const state = (key: KeyView) => (key.revoked_at ? "blocked" : key.expires_at && Date.parse(key.expires_at) < now ? "expired" : "accepted");
  const columns: Column<KeyView>[] = [
    { id: "name", head: t("setup.name"), width: "minmax(150px, 2fr)", cell: (key) => <b style={{ fontWeight: 500 }}>{key.name}</b> },
    { id: "state", head: t("stations.state"), width: "110px", cell: (key) => <State state={state(key)} group="apikey" /> },
    { id: "id", head: "Id", width: "minmax(120px, 1.5fr)", cell: (key) => <span className="mono soft">{key.id}</span> },
    { id: "expires", head: t("tokens.until"), width: "150px", cell: (key) => (key.expires_at ? moment(key.expires_at, t.language, zone) : <span className="soft">{t("tokens.forever")}</span>) },
    { id: "created", head: t("facts.created"), width: "120px", numeric: true, cell: (key) => <Ago at={key.created_at} /> },
    {
      id: "act", head: <span className="sr">{t("actions")}</span>, width: "100px", numeric: true,
      cell: (key) => may("people.write") && state(key) === "accepted" && (
        <Button variant="default" size="compact-xs" onClick={() => { if (window.confirm(t("apikeys.revoke_sure", { name: key.name }))) revoke.mutate(key); }}>{t("apikeys.revoke")}</Button>
      ),
    },
  ];
  return (
    <Page title={t("nav.apikeys")} aside={<><ExportCsv path="/api/v1/apikeys" />{may("people.write") && <Button leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>{t("apikeys.add")}</Button>}</>}>
      <Refused error={revoke.error} />
      <Loaded query={found}>
        {(rows) => (
          <DataTable
            short label={t("nav.apikeys")} rows={[...rows].reverse()} columns={columns} id={(key) => key.id} cardHeight={60}
            empty={<Note icon={IconKey} title={t("apikeys.none")}>{t("apikeys.none_text")}</Note>}
            card={(key) => <span className="row"><span className="cut"><b>{key.name}</b><br /><Ago at={key.created_at} /></span><span className="push"><State state={state(key)} group="apikey" /></span></span>}
          />
        )}
      </Loaded>
      <Modal opened={adding} onClose={() => setAdding(false)} title={t("apikeys.add")} closeButtonProps={{ "aria-label": t("close") }}>
        {adding && <Add />}
      </Modal>
    </Page>
  );
}

function Add() {
  const t = useT();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [until, setUntil] = useState("");
  const add = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/apikeys", { body: { name, expires_at: until === "" ? null : new Date(until).toISOString() } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.apiKeys }),
  });
  if (add.data) {
    return (
      <div className="stack">
        <p>{t("apikeys.once")}</p>
        <code style={{ overflowWrap: "anywhere" }}>{add.data.key}</code>
        <div className="row"><CopyButton value={add.data.key}>{({ copied, copy }) => <Button onClick={copy}>{copied ? t("copied") : t("copy")}</Button>}</CopyButton></div>
      </div>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <TextInput label={t("setup.name")} description={t("apikeys.name_text")} required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <TextInput label={t("tokens.until")} type="datetime-local" value={until} onChange={(event) => setUntil(event.currentTarget.value)} />
      <Refused error={add.error} />
      <div className="row"><Button type="submit" loading={add.isPending}>{t("apikeys.add")}</Button></div>
    </form>
  );
}
