import { Button, PasswordInput, TextInput } from "@mantine/core";
import { IconFingerprint, IconLogin2 } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask, Refusal } from "../api/client";
import { logIn } from "../api/account";
import { keys } from "../api/keys";
import { logInWithPasskey, passkeysWork, wasDismissed } from "../api/webauthn";
import { useT } from "../i18n";
import { Refused } from "../parts/basics";
import { SecondFactor } from "./SecondFactor";

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
  const options = useQuery({ queryKey: ["login-options"], queryFn: () => ask(api.GET("/api/v1/login/options")), retry: false });
  const leave = useMutation({
    mutationFn: (body: { provider?: string; email?: string }) => ask(api.POST("/api/v1/login/sso", { body })),
    onSuccess: ({ url }) => location.assign(url),
  });
  const refused = new URLSearchParams(location.search).get("refused");
  const providers = options.data?.providers ?? [];
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
        {second && <SecondFactor value={totp} change={setTotp} focused />}
        {!askedForCode && <Refused error={login.error} />}
        <Button type="submit" size="sm" loading={login.isPending}>{t("login.submit")}</Button>
        {login.error instanceof Refusal && login.error.code === "login.refused" && <p className="soft">{t("login.forgot")}</p>}
        <div className="or">{t("login.or")}</div>
        {refused !== null && !leave.isPending && !login.isPending && <Refused error={new Refusal(401, refused, "", t("login.sso_failed"))} />}
        <Refused error={leave.error} />
        {providers.map((one) => (
          <Button key={one.id} size="sm" variant="default" leftSection={<IconLogin2 size={16} stroke={1.6} />} onClick={() => leave.mutate({ provider: one.id })}>
            {t("login.sso_with", { name: one.name })}
          </Button>
        ))}
        {providers.length === 0 && (
          <Button size="sm" variant="default" leftSection={<IconLogin2 size={16} stroke={1.6} />} loading={leave.isPending} disabled={!email.includes("@")} title={t("login.sso_text")} onClick={() => leave.mutate({ email })}>
            {t("login.sso")}
          </Button>
        )}
        {passkeysWork() && (
          <>
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
