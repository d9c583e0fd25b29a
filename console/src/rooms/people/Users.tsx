import { ActionIcon, Button, Checkbox, CopyButton, Modal, NativeSelect, PasswordInput, TagsInput, TextInput } from "@mantine/core";
import { IconPencil, IconPlus, IconUsers } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { meQuery, rolesQuery, usersQuery } from "../../api/queries";
import type { UserAddition, UserView } from "../../api/schema";
import { useT } from "../../i18n";
import { moment } from "../../lib/format";
import { useZone } from "../../lib/zones";
import { Ago, Loaded, Note, Page, Panel, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { State } from "../../parts/states";
import { ExportCsv } from "../../parts/Export";
import { useMay } from "../../shell/session";

export function Users() {
  const t = useT();
  const may = useMay();
  const [editing, setEditing] = useState<UserView | "new" | null>(null);
  const users = useQuery(usersQuery);
  const columns: Column<UserView>[] = [
    { id: "name", head: t("setup.name"), width: "minmax(140px, 1.4fr)", cell: (user) => <b style={{ fontWeight: 500 }}>{user.name}</b> },
    { id: "email", head: t("login.email"), width: "minmax(160px, 1.6fr)", cell: (user) => user.email },
    { id: "role", head: t("people.role"), width: "120px", cell: (user) => t.word("role", user.role) },
    { id: "state", head: t("stations.state"), width: "120px", cell: (user) => <Access user={user} /> },
    { id: "sites", head: t("people.sites"), width: "minmax(100px, 1fr)", cell: (user) => user.sites.join(", ") || <span className="soft">{t("stations.all_sites")}</span> },
    { id: "totp", head: t("people.totp"), width: "110px", cell: (user) => (user.totp ? t("yes") : <span className="soft">{t("no")}</span>) },
    { id: "created", head: t("facts.created"), width: "120px", numeric: true, cell: (user) => <Ago at={user.created_at} /> },
    { id: "edit", head: <span className="sr">{t("actions")}</span>, width: "30px", cell: (user) => may("people.write") && <Pencil user={user} edit={setEditing} /> },
  ];
  return (
    <Page title={t("nav.users")} aside={<><ExportCsv path="/api/v1/users" />{may("people.write") && <Button leftSection={<IconPlus size={15} />} onClick={() => setEditing("new")}>{t("people.add")}</Button>}</>}>
      <Loaded query={users}>
        {({ items }) => (
          <DataTable
            short label={t("nav.users")} rows={items} columns={columns} id={(user) => user.id} cardHeight={66} open={may("people.write") ? setEditing : undefined}
            empty={<Note icon={IconUsers} title={t("people.none")} />}
            card={(user) => (
              <span className="row">
                <span className="cut"><b>{user.name}</b> · {t.word("role", user.role)}<br /><span className="soft">{user.email}</span></span>
                <span className="push row"><Access user={user} />{may("people.write") && <Pencil user={user} edit={setEditing} />}</span>
              </span>
            )}
          />
        )}
      </Loaded>
      <Roles />
      <Modal opened={editing !== null} onClose={() => setEditing(null)} title={editing === "new" ? t("people.add") : editing?.name} closeButtonProps={{ "aria-label": t("close") }}>
        {editing === "new" && <Add done={() => setEditing(null)} />}
        {editing !== null && editing !== "new" && <Change user={editing} done={() => setEditing(null)} />}
      </Modal>
    </Page>
  );
}

function Access({ user }: { user: UserView }) {
  const t = useT();
  return <State state={user.disabled_at ? "blocked" : "accepted"} label={user.disabled_at ? t("people.disabled") : t("people.enabled")} />;
}

function Pencil({ user, edit }: { user: UserView; edit: (user: UserView) => void }) {
  const t = useT();
  return <ActionIcon size="sm" aria-label={`${t("model.edit")}: ${user.name}`} onClick={() => edit(user)}><IconPencil size={14} /></ActionIcon>;
}

function useRoleChoices() {
  const t = useT();
  const roles = useQuery(rolesQuery);
  return (roles.data ?? []).map(({ name }) => ({ value: name, label: t.word("role", name) }));
}

function Add({ done }: { done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const roles = useRoleChoices();
  const [form, setForm] = useState<{ email: string; name: string; password: string; role: UserView["role"]; sites: string[] }>({ email: "", name: "", password: "", role: "operator", sites: [] });
  const add = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/users", { body: form as UserAddition })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.users });
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
      <TextInput label={t("login.email")} type="email" required value={form.email} onChange={(event) => setForm({ ...form, email: event.currentTarget.value })} />
      <PasswordInput label={t("login.password")} description={t("setup.password_text")} autoComplete="new-password" required value={form.password} onChange={(event) => setForm({ ...form, password: event.currentTarget.value })} />
      <NativeSelect label={t("people.role")} data={roles} value={form.role} onChange={(event) => setForm({ ...form, role: event.currentTarget.value as UserView["role"] })} />
      <TagsInput size="xs" label={t("people.sites")} description={t("people.sites_text")} value={form.sites} onChange={(sites) => setForm({ ...form, sites })} />
      <Refused error={add.error} />
      <div className="row"><Button type="submit" loading={add.isPending}>{t("people.add")}</Button></div>
    </form>
  );
}

function Change({ user, done }: { user: UserView; done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const me = useQuery(meQuery);
  const roles = useRoleChoices();
  const [form, setForm] = useState({ name: user.name, role: user.role, sites: user.sites, password: "", disabled: user.disabled_at !== null, without_totp: false });
  const settled = {
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.users });
      done();
    },
  };
  const { password, ...rest } = form;
  const path = { params: { path: { user_id: user.id } } };
  const save = useMutation({ mutationFn: () => ask(api.PATCH("/api/v1/users/{user_id}", { ...path, body: { ...rest, ...(password && { password }) } })), ...settled });
  const forget = useMutation({ mutationFn: () => ask(api.DELETE("/api/v1/users/{user_id}", path)), ...settled });
  const self = me.data?.user.id === user.id;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      {self && <p className="soft">{t("people.self")}</p>}
      <TextInput label={t("setup.name")} required value={form.name} onChange={(event) => setForm({ ...form, name: event.currentTarget.value })} />
      <NativeSelect label={t("people.role")} data={roles} value={form.role} onChange={(event) => setForm({ ...form, role: event.currentTarget.value as UserView["role"] })} />
      <TagsInput size="xs" label={t("people.sites")} description={t("people.sites_text")} value={form.sites} onChange={(sites) => setForm({ ...form, sites })} />
      <PasswordInput label={t("people.new_password")} autoComplete="new-password" value={form.password} onChange={(event) => setForm({ ...form, password: event.currentTarget.value })} />
      <Checkbox label={t("people.disable")} disabled={self} checked={form.disabled} onChange={(event) => setForm({ ...form, disabled: event.currentTarget.checked })} />
      {user.totp && <Checkbox label={t("people.without_totp")} checked={form.without_totp} onChange={(event) => setForm({ ...form, without_totp: event.currentTarget.checked })} />}
      {!user.disabled_at && <ResetLink user={user} />}
      <Refused error={save.error ?? forget.error} />
      <div className="row">
        <Button type="submit" loading={save.isPending}>{t("save")}</Button>
        {!self && (
          <Button color="red" variant="subtle" className="push" loading={forget.isPending} onClick={() => { if (window.confirm(t("people.forget_sure", { name: user.name }))) forget.mutate(); }}>
            {t("people.forget")}
          </Button>
        )}
      </div>
    </form>
  );
}

/** For who forgot the password: handed over by whoever made it. */
function ResetLink({ user }: { user: UserView }) {
  const zone = useZone();
  const t = useT();
  const make = useMutation({ mutationFn: () => ask(api.POST("/api/v1/users/{user_id}/reset-link", { params: { path: { user_id: user.id } } })) });
  if (!make.data) {
    return (
      <>
        <div className="row"><Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>{t("people.reset_link")}</Button></div>
        <Refused error={make.error} />
      </>
    );
  }
  const link = new URL(make.data.reset_link, location.origin).href;
  return (
    <div className="stack tight">
      <p role="status">{t("people.reset_text", { until: moment(make.data.expires_at, t.language, zone) })}</p>
      <code style={{ overflowWrap: "anywhere" }}>{link}</code>
      <div className="row"><CopyButton value={link}>{({ copied, copy }) => <Button onClick={copy}>{copied ? t("copied") : t("copy")}</Button>}</CopyButton></div>
    </div>
  );
}

/** Which role may do what. */
function Roles() {
  const t = useT();
  const roles = useQuery(rolesQuery);
  return (
    <Panel title={t("people.roles")} flush>
      <Loaded query={roles}>
        {(found) => {
          const permissions = [...new Set(found.flatMap((role) => role.permissions))].sort();
          return (
            <div style={{ overflowX: "auto", position: "relative" }} tabIndex={0} role="region" aria-label={t("people.roles")}>
              <table className="plain">
                <thead><tr><th>{t("people.permission")}</th>{found.map(({ name }) => <th key={name}>{t.word("role", name)}</th>)}</tr></thead>
                <tbody>
                  {permissions.map((permission) => (
                    <tr key={permission}>
                      <td>{t.word("permission", permission)} <code className="soft">{permission}</code></td>
                      {found.map((role) => <td key={role.name}>{role.permissions.includes(permission) ? <span className="state" data-tone="available">✓<span className="sr">{t("yes")}</span></span> : <span className="sr">{t("no")}</span>}</td>)}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          );
        }}
      </Loaded>
    </Panel>
  );
}
