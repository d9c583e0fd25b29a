import { Button, PasswordInput, TextInput } from "@mantine/core";
import { IconFingerprint } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Refusal } from "../api/client";
import { logIn } from "../api/account";
import { keys } from "../api/keys";
import { logInWithPasskey, passkeysWork, wasDismissed } from "../api/webauthn";
import { useT } from "../i18n";
import { Refused } from "../parts/basics";

export function Login() {
  const t = useT();
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [totp, setTotp] = useState("");
  const [second, setSecond] = useState(false);
  const login = useMutation({
    mutationFn: logIn,
    onSuccess: (me) => client.setQueryData(keys.me, me),
    onError: (error) => {
      if (error instanceof Refusal && error.code === "login.totp_wanted") setSecond(true);
    },
  });
  const passkey = useMutation({
    mutationFn: logInWithPasskey,
    onSuccess: (me) => client.setQueryData(keys.me, me),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate({ email, password, ...(totp ? { totp } : {}) });
  };
  const askedForCode = login.error instanceof Refusal && login.error.code === "login.totp_wanted" && totp === "";
  return (
    <main className="door">
      <form className="door-card stack" onSubmit={submit}>
        <div className="row">
          <img src="/favicon.svg" width={28} height={28} alt="" />
          <h1>{t("login.title")}</h1>
        </div>
        <TextInput size="sm" label={t("login.email")} type="email" autoComplete="username" required autoFocus value={email} onChange={(e) => setEmail(e.currentTarget.value)} />
        <PasswordInput size="sm" label={t("login.password")} autoComplete="current-password" required value={password} onChange={(e) => setPassword(e.currentTarget.value)} />
        {second && (
          <TextInput size="sm" label={t("login.totp")} inputMode="numeric" autoComplete="one-time-code" autoFocus value={totp} onChange={(e) => setTotp(e.currentTarget.value)} />
        )}
        {!askedForCode && <Refused error={login.error} />}
        <Button type="submit" size="sm" loading={login.isPending}>{t("login.submit")}</Button>
        {passkeysWork() && (
          <>
            <div className="or">{t("login.or")}</div>
            {!wasDismissed(passkey.error) && <Refused error={passkey.error} />}
            <Button size="sm" variant="default" leftSection={<IconFingerprint size={16} stroke={1.6} />} loading={passkey.isPending} onClick={() => passkey.mutate()}>
              {t("login.passkey")}
            </Button>
          </>
        )}
      </form>
    </main>
  );
}
