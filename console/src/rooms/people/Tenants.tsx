import { ActionIcon, Button, Modal, NativeSelect, TagsInput, TextInput } from "@mantine/core";
import { IconBuilding, IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import type { ShareView, TenantKind, TenantView } from "../../api/schema";
import { useT } from "../../i18n";
import { Ago, Loaded, Note, Page, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";

const KINDS: readonly TenantKind[] = ["site_host", "customer", "manufacturer", "operator"];

/** Tenants below one's own, and the sites that they are shown. */
export function Tenants() {
  const t = useT();
  const may = useMay();
  const [open, setOpen] = useState<TenantView | "new" | null>(null);
  const found = useQuery({ queryKey: keys.tenants, queryFn: () => ask(api.GET("/api/v1/tenants", { params: { query: { limit: 1000 } } })) });
  const columns: Column<TenantView>[] = [
    { id: "name", head: t("setup.name"), width: "minmax(160px, 2fr)", cell: (one) => <button type="button" className="plain" onClick={() => setOpen(one)}><b style={{ fontWeight: 500 }}>{one.name}</b></button> },
    { id: "kind", head: t("tenants.kind"), width: "minmax(110px, 1fr)", cell: (one) => t.word("tenant_kind", one.kind) },
    { id: "state", head: t("stations.state"), width: "120px", cell: (one) => <Open tenant={one} /> },
    { id: "id", head: "Id", width: "minmax(180px, 1.4fr)", cell: (one) => <span className="mono soft">{one.id}</span> },
    { id: "created", head: t("facts.created"), width: "120px", numeric: true, cell: (one) => <Ago at={one.created_at} /> },
  ];
  return (
    <Page title={t("nav.tenants")} aside={may("tenants.write") && <Button leftSection={<IconPlus size={15} />} onClick={() => setOpen("new")}>{t("tenants.add")}</Button>}>
      <Loaded query={found}>
        {({ items }) => (
          <DataTable
            short label={t("nav.tenants")} rows={items} columns={columns} id={(one) => one.id} cardHeight={66} open={setOpen}
            empty={<Note icon={IconBuilding} title={t("tenants.none")}>{t("tenants.none_text")}</Note>}
            card={(one) => <span className="row"><button type="button" className="plain" onClick={() => setOpen(one)}><b>{one.name}</b><br /><span className="soft">{t.word("tenant_kind", one.kind)}</span></button><span className="push"><Open tenant={one} /></span></span>}
          />
        )}
      </Loaded>
      <Modal opened={open !== null} onClose={() => setOpen(null)} title={open === "new" ? t("tenants.add") : open?.name} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
        {open === "new" && <Add done={() => setOpen(null)} />}
        {open !== null && open !== "new" && <Change tenant={open} done={() => setOpen(null)} />}
      </Modal>
    </Page>
  );
}

function Open({ tenant }: { tenant: TenantView }) {
  const t = useT();
  return <State state={tenant.disabled_at ? "blocked" : "accepted"} label={tenant.disabled_at ? t("tenants.disabled") : t("tenants.enabled")} />;
}

function Add({ done }: { done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const [form, setForm] = useState<{ name: string; kind: TenantKind }>({ name: "", kind: "site_host" });
  const add = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/tenants", { body: form })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.tenants });
      void client.invalidateQueries({ queryKey: keys.places });
      done();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <TextInput label={t("setup.name")} required data-autofocus value={form.name} onChange={(event) => setForm({ ...form, name: event.currentTarget.value })} />
      <NativeSelect label={t("tenants.kind")} data={KINDS.map((value) => ({ value, label: t.word("tenant_kind", value) }))} value={form.kind} onChange={(event) => setForm({ ...form, kind: event.currentTarget.value as TenantKind })} />
      <p className="soft">{t("tenants.add_text")}</p>
      <Refused error={add.error} />
      <div className="row"><Button type="submit" loading={add.isPending}>{t("tenants.add")}</Button></div>
    </form>
  );
}

function Change({ tenant, done }: { tenant: TenantView; done: () => void }) {
  const t = useT();
  const may = useMay();
  const client = useQueryClient();
  const [name, setName] = useState(tenant.name);
  const path = { params: { path: { tenant_id: tenant.id } } };
  const save = useMutation({
    mutationFn: (body: { name?: string; disabled?: boolean }) => ask(api.PATCH("/api/v1/tenants/{tenant_id}", { ...path, body })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.tenants });
      void client.invalidateQueries({ queryKey: keys.places });
      done();
    },
  });
  const shut = tenant.disabled_at !== null;
  const turn = () => {
    if (shut || window.confirm(t("tenants.disable_sure", { name: tenant.name }))) save.mutate({ disabled: !shut });
  };
  return (
    <div className="stack">
      <form className="row" style={{ alignItems: "flex-end" }} onSubmit={(event) => { event.preventDefault(); save.mutate({ name }); }}>
        <TextInput style={{ flex: 1 }} label={t("setup.name")} required disabled={!may("tenants.write")} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        {may("tenants.write") && <Button type="submit" loading={save.isPending}>{t("save")}</Button>}
        {may("tenants.write") && <Button variant="default" color={shut ? undefined : "red"} onClick={turn}>{shut ? t("tenants.enable") : t("tenants.disable")}</Button>}
      </form>
      <Refused error={save.error} />
      <Shares tenant={tenant} />
    </div>
  );
}

function Shares({ tenant }: { tenant: TenantView }) {
  const t = useT();
  const may = useMay();
  const client = useQueryClient();
  const [form, setForm] = useState<{ name: string; sites: string[] }>({ name: "", sites: [] });
  const path = { params: { path: { tenant_id: tenant.id } } };
  const found = useQuery({ queryKey: keys.shares(tenant.id), queryFn: () => ask(api.GET("/api/v1/tenants/{tenant_id}/shares", path)), select: (page) => page.items });
  const sites = useQuery({ queryKey: ["sites", "names"], queryFn: () => ask(api.GET("/api/v1/sites", { params: { query: { limit: 1000 } } })) });
  const again = () => void client.invalidateQueries({ queryKey: keys.shares(tenant.id) });
  const share = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/tenants/{tenant_id}/shares", { ...path, body: form })),
    onSuccess: () => {
      setForm({ name: "", sites: [] });
      again();
    },
  });
  const end = useMutation({
    mutationFn: (one: ShareView) => ask(api.DELETE("/api/v1/tenants/{tenant_id}/shares/{share_id}", { params: { path: { tenant_id: tenant.id, share_id: one.id } } })),
    onSuccess: again,
  });
  return (
    <section className="stack tight" aria-label={t("tenants.shares")}>
      <h2>{t("tenants.shares")}</h2>
      <p className="soft">{t("tenants.shares_text")}</p>
      <Loaded query={found} rows={1}>
        {(shares) => (
          <ul className="things">
            {shares.map((one) => (
              <li key={one.id}>
                <span className="cut"><b>{one.name}</b><br /><span className="soft">{one.sites.join(", ")}</span></span>
                {may("tenants.write") && <ActionIcon className="push" aria-label={t("account.remove", { name: one.name })} onClick={() => end.mutate(one)}><IconTrash size={15} /></ActionIcon>}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      {may("tenants.write") && (
        <form className="stack tight" onSubmit={(event) => { event.preventDefault(); share.mutate(); }}>
          <TextInput label={t("tenants.share_name")} required value={form.name} onChange={(event) => setForm({ ...form, name: event.currentTarget.value })} />
          <TagsInput size="xs" label={t("people.sites")} data={(sites.data?.items ?? []).map((site) => site.id)} value={form.sites} onChange={(chosen) => setForm({ ...form, sites: chosen })} />
          <Refused error={share.error ?? end.error} />
          <div className="row"><Button type="submit" variant="default" disabled={form.sites.length === 0} loading={share.isPending}>{t("tenants.share")}</Button></div>
        </form>
      )}
    </section>
  );
}
