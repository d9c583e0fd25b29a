import { ActionIcon, Button, Checkbox, Modal, NativeSelect, PasswordInput, TagsInput, Textarea, TextInput } from "@mantine/core";
import { IconLogin2, IconPencil, IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { rolesQuery } from "../../api/queries";
import type { ProviderSetting, ProviderView, UserView } from "../../api/schema";
import { useT } from "../../i18n";
import { Loaded, Note, Page, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";

type Role = UserView["role"];

/** Which OpenID providers vouch for this tenant's people. */
export function SingleSignOn() {
  const t = useT();
  const may = useMay();
  const [open, setOpen] = useState<ProviderView | "new" | null>(null);
  const found = useQuery({ queryKey: keys.providers, queryFn: () => ask(api.GET("/api/v1/sso-providers")), select: (page) => page.items });
  const write = may("people.write");
  const pencil = (one: ProviderView) => write && <ActionIcon size="sm" aria-label={`${t("model.edit")}: ${one.name}`} onClick={() => setOpen(one)}><IconPencil size={14} /></ActionIcon>;
  const state = (one: ProviderView) => <State state={one.disabled_at ? "blocked" : "accepted"} label={one.disabled_at ? t("sso.off") : t("sso.on")} />;
  const columns: Column<ProviderView>[] = [
    { id: "name", head: t("setup.name"), width: "minmax(120px, 1fr)", cell: (one) => <b style={{ fontWeight: 500 }}>{one.name}</b> },
    { id: "issuer", head: t("sso.issuer"), width: "minmax(200px, 2fr)", cell: (one) => <span className="mono">{one.issuer}</span> },
    { id: "domains", head: t("sso.domains"), width: "minmax(120px, 1fr)", cell: (one) => one.domains.join(", ") },
    { id: "state", head: t("stations.state"), width: "110px", cell: state },
    { id: "edit", head: <span className="sr">{t("actions")}</span>, width: "30px", cell: pencil },
  ];
  return (
    <Page title={t("nav.sso")} aside={write && <Button leftSection={<IconPlus size={15} />} onClick={() => setOpen("new")}>{t("sso.add")}</Button>}>
      <Loaded query={found}>
        {(providers) => (
          <DataTable
            short label={t("nav.sso")} rows={providers} columns={columns} id={(one) => one.id} cardHeight={66} open={write ? setOpen : undefined}
            empty={<Note icon={IconLogin2} title={t("sso.none")}>{t("sso.none_text")}</Note>}
            card={(one) => <span className="row"><span className="cut"><b>{one.name}</b><br /><span className="soft">{one.domains.join(", ")}</span></span><span className="push row">{state(one)}{pencil(one)}</span></span>}
          />
        )}
      </Loaded>
      <Modal opened={open !== null} onClose={() => setOpen(null)} title={open === "new" ? t("sso.add") : open?.name} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
        {open !== null && <Form provider={open === "new" ? null : open} done={() => setOpen(null)} />}
      </Modal>
    </Page>
  );
}

const lines = (roles: Readonly<Record<string, Role>>) => Object.entries(roles).map(([word, role]) => `${word} = ${role}`).join("\n");

function parsed(text: string): Record<string, Role> {
  const pairs = text.split("\n").map((line) => line.split("=").map((part) => part.trim()));
  return Object.fromEntries(pairs.filter(([word, role]) => word && role)) as Record<string, Role>;
}

function Form({ provider, done }: { provider: ProviderView | null; done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const roles = useQuery(rolesQuery);
  const [form, setForm] = useState({
    name: provider?.name ?? "", issuer: provider?.issuer ?? "", client_id: provider?.client_id ?? "", client_secret: "",
    domains: provider?.domains ?? [], role_claim: provider?.role_claim ?? "", roles: lines(provider?.roles ?? {}), default_role: provider?.default_role ?? "",
    invites_only: provider?.invites_only ?? true, trusts_email: provider?.trusts_email ?? false, disabled: provider?.disabled_at != null,
  });
  const settled = {
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.providers });
      done();
    },
  };
  const path = { params: { path: { provider_id: provider?.id ?? "" } } };
  const save = useMutation({
    mutationFn: () => {
      const body = { ...form, roles: parsed(form.roles), default_role: form.default_role || null } as ProviderSetting;
      return provider === null ? ask(api.POST("/api/v1/sso-providers", { body })) : ask(api.PUT("/api/v1/sso-providers/{provider_id}", { ...path, body }));
    },
    ...settled,
  });
  const forget = useMutation({ mutationFn: () => ask(api.DELETE("/api/v1/sso-providers/{provider_id}", path)), ...settled });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const field = (name: "name" | "issuer" | "client_id" | "client_secret" | "role_claim") => ({
    label: t(`sso.${name}`), value: form[name], onChange: (event: { currentTarget: { value: string } }) => setForm({ ...form, [name]: event.currentTarget.value }),
  });
  const choice = (name: "invites_only" | "trusts_email" | "disabled") => ({
    label: t(`sso.${name}`), checked: form[name], onChange: (event: { currentTarget: { checked: boolean } }) => setForm({ ...form, [name]: event.currentTarget.checked }),
  });
  return (
    <form className="stack" onSubmit={submit}>
      <TextInput required data-autofocus {...field("name")} />
      <TextInput required type="url" placeholder="https://sso.example/realms/corp" {...field("issuer")} />
      <TextInput required autoComplete="off" {...field("client_id")} />
      <PasswordInput required={provider === null} autoComplete="off" description={provider ? t("sso.secret_text") : undefined} {...field("client_secret")} />
      <TagsInput size="xs" label={t("sso.domains")} description={t("sso.domains_text")} value={form.domains} onChange={(domains) => setForm({ ...form, domains })} />
      <Checkbox {...choice("invites_only")} />
      <Checkbox {...choice("trusts_email")} />
      <TextInput description={t("sso.role_claim_text")} {...field("role_claim")} />
      <Textarea label={t("sso.roles")} description={t("sso.roles_text")} autosize minRows={2} value={form.roles} onChange={(event) => setForm({ ...form, roles: event.currentTarget.value })} />
      <NativeSelect label={t("sso.default_role")} data={[{ value: "", label: t("sso.no_role") }, ...(roles.data ?? []).map(({ name }) => ({ value: name, label: t.word("role", name) }))]} value={form.default_role} onChange={(event) => setForm({ ...form, default_role: event.currentTarget.value as Role })} />
      {provider && <Checkbox {...choice("disabled")} />}
      <p className="soft">{t("sso.redirect")} <code>{location.origin}/api/v1/login/sso/callback</code></p>
      <Refused error={save.error ?? forget.error} />
      <div className="row">
        <Button type="submit" loading={save.isPending}>{t("save")}</Button>
        {provider && <Button color="red" variant="subtle" className="push" onClick={() => { if (window.confirm(t("sso.remove_sure", { name: provider.name }))) forget.mutate(); }}>{t("sso.remove")}</Button>}
      </div>
    </form>
  );
}
