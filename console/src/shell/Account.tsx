/** Whoever is logged in, about their own log-in: with what, and where. */
import { ActionIcon, Button, Drawer, TextInput } from "@mantine/core";
import { IconDeviceDesktop, IconFingerprint, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Me } from "../api/account";
import { api, ask } from "../api/client";
import { keys } from "../api/keys";
import type { BrowserView, PasskeyView } from "../api/schema";
import { addPasskey, passkeysWork, wasDismissed } from "../api/webauthn";
import { useT } from "../i18n";
import { browserOf } from "../lib/agent";
import { Ago, Loaded, Refused } from "../parts/basics";
import { useStore } from "../lib/store";
import { Password, Totp } from "./AccountSecrets";
import { waiting } from "./confirmation";

export function Account({ me, opened, close }: { me: Me; opened: boolean; close: () => void }) {
  const t = useT();
  // Escape is for what lies on top.
  const onTop = useStore(waiting).length === 0;
  return (
    <Drawer opened={opened} onClose={close} closeOnEscape={onTop} trapFocus={onTop} position="right" size={460} title={<b>{t("account.title")}</b>} closeButtonProps={{ "aria-label": t("close") }}>
      {opened && (
        <div className="stack" style={{ gap: 28 }}>
          <dl className="facts">
            <dt>{t("setup.name")}</dt><dd>{me.user.name}</dd>
            <dt>{t("login.email")}</dt><dd>{me.user.email}</dd>
            <dt>{t("people.role")}</dt><dd>{t.word("role", me.user.role)}</dd>
          </dl>
          <Passkeys />
          <Password me={me} />
          <Totp me={me} />
          <Logins />
        </div>
      )}
    </Drawer>
  );
}

function Passkeys() {
  const t = useT();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const found = useQuery({ queryKey: keys.passkeys, queryFn: () => ask(api.GET("/api/v1/me/passkeys")), select: (page) => page.items });
  const again = () => void client.invalidateQueries({ queryKey: keys.passkeys });
  const add = useMutation({
    mutationFn: () => addPasskey(name.trim() || browserOf(navigator.userAgent)),
    onSuccess: () => {
      setName("");
      again();
    },
  });
  const remove = useMutation({
    mutationFn: (one: PasskeyView) => ask(api.DELETE("/api/v1/me/passkeys/{passkey_id}", { params: { path: { passkey_id: one.id } } })),
    onSuccess: again,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <section className="stack tight" aria-label={t("account.passkeys")}>
      <h2>{t("account.passkeys")}</h2>
      <p className="soft">{t("account.passkeys_text")}</p>
      <Loaded query={found} rows={2}>
        {(held) => (
          <ul className="things">
            {held.map((one) => (
              <li key={one.id}>
                <IconFingerprint size={18} stroke={1.5} aria-hidden />
                <span className="cut">
                  <b>{one.name}</b>
                  <br />
                  <span className="soft">{one.synced && `${t("account.synced")} · `}{one.used_at ? <>{t("account.used")} <Ago at={one.used_at} /></> : t("account.never")}</span>
                </span>
                <ActionIcon className="push" aria-label={t("account.remove", { name: one.name })} onClick={() => { if (window.confirm(t("account.remove_sure", { name: one.name }))) remove.mutate(one); }}>
                  <IconTrash size={15} />
                </ActionIcon>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <Refused error={remove.error} />
      {passkeysWork() ? (
        <form className="row" style={{ alignItems: "flex-end" }} onSubmit={submit}>
          <TextInput style={{ flex: 1 }} label={t("account.passkey_name")} placeholder={browserOf(navigator.userAgent)} maxLength={200} value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <Button type="submit" loading={add.isPending}>{t("account.add_passkey")}</Button>
        </form>
      ) : (
        <p className="soft">{t("account.no_passkeys")}</p>
      )}
      {!wasDismissed(add.error) && <Refused error={add.error} />}
    </section>
  );
}

function Logins() {
  const t = useT();
  const client = useQueryClient();
  const found = useQuery({ queryKey: keys.logins, queryFn: () => ask(api.GET("/api/v1/me/logins")), select: (page) => page.items });
  const again = { onSuccess: () => void client.invalidateQueries({ queryKey: keys.logins }) };
  const end = useMutation({ mutationFn: (one: BrowserView) => ask(api.DELETE("/api/v1/me/logins/{login_id}", { params: { path: { login_id: one.id } } })), ...again });
  const endOthers = useMutation({ mutationFn: () => ask(api.DELETE("/api/v1/me/logins")), ...again });
  return (
    <section className="stack tight" aria-label={t("account.logins")}>
      <h2>{t("account.logins")}</h2>
      <Loaded query={found} rows={2}>
        {(logins) => (
          <>
            <ul className="things">
              {logins.map((one) => (
                <li key={one.id}>
                  <IconDeviceDesktop size={18} stroke={1.5} aria-hidden />
                  <span className="cut">
                    <b>{browserOf(one.agent) || t("account.unknown_browser")}</b>{one.current && ` (${t("account.this")})`}
                    <br />
                    <span className="soft">{t.word("method", one.method)} · <span className="mono">{one.address}</span> · <Ago at={one.used_at} /></span>
                  </span>
                  {!one.current && <Button className="push" variant="default" size="compact-xs" onClick={() => end.mutate(one)}>{t("account.end")}</Button>}
                </li>
              ))}
            </ul>
            {logins.length > 1 && <div className="row"><Button variant="default" loading={endOthers.isPending} onClick={() => endOthers.mutate()}>{t("account.end_others")}</Button></div>}
          </>
        )}
      </Loaded>
      <Refused error={end.error ?? endOthers.error} />
    </section>
  );
}
