/** What somebody logs in with: the password, the second factor, and codes for when that is lost. */
import { Button, CopyButton, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Me } from "../api/account";
import { api, ask, Refusal } from "../api/client";
import { keys } from "../api/keys";
import { useT } from "../i18n";
import { Refused } from "../parts/basics";
import { QrCode } from "../parts/QrCode";
import { State } from "../parts/states";

const EMPTY = { old: "", fresh: "", again: "" };

export function Password({ me: { user } }: { me: Me }) {
  const t = useT();
  const client = useQueryClient();
  const [form, setForm] = useState(EMPTY);
  const [open, setOpen] = useState(false);
  const change = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/me/password", { body: { old_password: form.old, new_password: form.fresh } })),
    onSuccess: () => {
      setForm(EMPTY);
      setOpen(false);
      void client.invalidateQueries({ queryKey: keys.logins });
    },
  });
  const differs = form.again !== "" && form.again !== form.fresh;
  const wrong = change.error instanceof Refusal && change.error.code === "user.password_wrong";
  const field = (name: keyof typeof form) => ({ required: true, value: form[name], onChange: (event: { currentTarget: { value: string } }) => setForm({ ...form, [name]: event.currentTarget.value }) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (form.fresh === form.again) change.mutate();
  };
  return (
    <section className="stack tight" aria-label={t("login.password")}>
      <h2>{t("login.password")}</h2>
      {!user.has_password && <p className="soft">{t("account.no_password")}</p>}
      {change.isSuccess && !open && <p role="status">{t("account.password_changed")}</p>}
      {user.has_password && !open && <div className="row"><Button variant="default" onClick={() => setOpen(true)}>{t("account.change_password")}</Button></div>}
      {open && (
        <form className="stack tight" onSubmit={submit}>
          <input type="email" autoComplete="username" value={user.email} readOnly hidden />
          <PasswordInput label={t("account.old_password")} autoComplete="current-password" error={wrong && t("problem.user.password_wrong")} {...field("old")} />
          <PasswordInput label={t("account.new_password")} description={t("setup.password_text")} autoComplete="new-password" minLength={10} {...field("fresh")} />
          <PasswordInput label={t("account.again")} autoComplete="new-password" error={differs && t("account.differs")} {...field("again")} />
          {!wrong && <Refused error={change.error} />}
          <p className="soft">{t("account.password_ends")}</p>
          <div className="row">
            <Button type="submit" loading={change.isPending}>{t("account.change_password")}</Button>
            <Button variant="subtle" onClick={() => setOpen(false)}>{t("cancel")}</Button>
          </div>
        </form>
      )}
    </section>
  );
}

export function Totp({ me: { user } }: { me: Me }) {
  const t = useT();
  const client = useQueryClient();
  const [code, setCode] = useState("");
  const [codes, setCodes] = useState<readonly string[]>([]);
  const begin = useMutation({ mutationFn: () => ask(api.POST("/api/v1/me/totp")) });
  const shown = ({ recovery_codes }: { recovery_codes: readonly string[] }) => {
    setCodes(recovery_codes);
    void client.invalidateQueries({ queryKey: keys.me });
  };
  const prove = useMutation({
    mutationFn: (secret: string) => ask(api.POST("/api/v1/me/totp/proof", { body: { secret, code: code.trim() } })),
    onSuccess: (made) => {
      begin.reset();
      setCode("");
      shown(made);
    },
  });
  const anew = useMutation({ mutationFn: () => ask(api.POST("/api/v1/me/totp/recovery-codes")), onSuccess: shown });
  const remove = useMutation({ mutationFn: () => ask(api.DELETE("/api/v1/me/totp")), onSuccess: () => client.invalidateQueries({ queryKey: keys.me }) });
  return (
    <section className="stack tight" aria-label={t("people.totp")}>
      <div className="row">
        <h2>{t("people.totp")}</h2>
        {user.totp ? <State state="accepted" label={t("account.totp_on")} /> : <span className="soft">{t("account.totp_off")}</span>}
      </div>
      {codes.length > 0 && <Codes codes={codes} done={() => setCodes([])} />}
      {user.totp && codes.length === 0 && <p className={user.recovery_left < FEW ? undefined : "soft"}>{t("account.codes_left", { n: user.recovery_left })}</p>}
      {!begin.data && codes.length === 0 && (
        <div className="row wrap">
          <Button variant="default" loading={begin.isPending} onClick={() => begin.mutate()}>{user.totp ? t("account.totp_anew") : t("account.totp_begin")}</Button>
          {user.totp && <Button variant="default" loading={anew.isPending} onClick={() => anew.mutate()}>{t("account.codes_anew")}</Button>}
          {user.totp && <Button variant="default" loading={remove.isPending} onClick={() => { if (window.confirm(t("account.totp_remove_sure"))) remove.mutate(); }}>{t("account.totp_remove")}</Button>}
        </div>
      )}
      <Refused error={begin.error ?? anew.error ?? remove.error} />
      {begin.data && (
        <form className="stack tight" onSubmit={(event) => { event.preventDefault(); prove.mutate(begin.data.secret); }}>
          <p className="soft">{t("account.totp_text")}</p>
          <div className="row wrap">
            <QrCode text={begin.data.uri} label={t("account.totp_qr")} />
            <code style={{ overflowWrap: "anywhere", flex: 1, minWidth: 140 }}>{begin.data.secret}</code>
          </div>
          <TextInput label={t("login.totp")} inputMode="numeric" autoComplete="one-time-code" required value={code} onChange={(event) => setCode(event.currentTarget.value)} />
          <Refused error={prove.error} />
          <div className="row"><Button type="submit" loading={prove.isPending}>{t("account.totp_use")}</Button></div>
        </form>
      )}
    </section>
  );
}

/** Then it is time for others. */
const FEW = 3;

/** Shown this once. */
function Codes({ codes, done }: { codes: readonly string[]; done: () => void }) {
  const t = useT();
  return (
    <div className="stack tight">
      <p role="status">{t("account.codes_text")}</p>
      <ul className="codes" aria-label={t("account.codes")}>{codes.map((one) => <li key={one}><code>{one}</code></li>)}</ul>
      <div className="row">
        <CopyButton value={codes.join("\n")}>{({ copied, copy }) => <Button variant="default" onClick={copy}>{copied ? t("copied") : t("copy")}</Button>}</CopyButton>
        <Button onClick={done}>{t("account.codes_kept")}</Button>
      </div>
    </div>
  );
}
