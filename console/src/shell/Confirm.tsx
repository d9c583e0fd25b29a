import { Button, Modal, PasswordInput } from "@mantine/core";
import { IconFingerprint, IconLogin2 } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import type { Me } from "../api/account";
import { api, ask, confirmBy, Refusal } from "../api/client";
import { keys } from "../api/keys";
import { confirmWithPasskey, passkeysWork, wasDismissed } from "../api/webauthn";
import { useT } from "../i18n";
import { useStore } from "../lib/store";
import { Refused } from "../parts/basics";
import { SecondFactor } from "./SecondFactor";
import { confirmation, settle, waiting } from "./confirmation";

/** Above a drawer and its form, which go on when it is shown who sits there. */
const ABOVE = 400;

/** Stands by until something is asked for that wants a fresh log-in. */
export function Confirm({ me }: { me: Me }) {
  const t = useT();
  const asked = useStore(waiting).length > 0;
  useEffect(() => confirmBy(confirmation), []);
  return (
    <Modal opened={asked} onClose={() => settle(false)} zIndex={ABOVE} title={<b>{t("confirm.title")}</b>} closeButtonProps={{ "aria-label": t("close") }}>
      {asked && <Proof me={me} />}
    </Modal>
  );
}

function Proof({ me: { user } }: { me: Me }) {
  const t = useT();
  const [password, setPassword] = useState("");
  const [totp, setTotp] = useState("");
  const shown = { onSuccess: () => settle(true) };
  const passkeys = useQuery({ queryKey: keys.passkeys, queryFn: () => ask(api.GET("/api/v1/me/passkeys")), select: (page) => page.items });
  const prove = useMutation({ mutationFn: () => ask(api.POST("/api/v1/me/confirmation", { body: { password, totp } })), ...shown });
  const passkey = useMutation({ mutationFn: confirmWithPasskey, ...shown });
  const leave = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/login/sso", { body: { email: user.email, anew: true } })),
    onSuccess: ({ url }) => location.assign(url),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    prove.mutate();
  };
  const wrongPassword = prove.error instanceof Refusal && prove.error.code === "user.password_wrong";
  return (
    <form className="stack" onSubmit={submit}>
      <p>{t("confirm.text")}</p>
      {user.has_password && (
        <>
          {/* For whatever keeps passwords: whose this is. */}
          <input type="email" autoComplete="username" value={user.email} readOnly hidden />
          <PasswordInput label={t("login.password")} autoComplete="current-password" required data-autofocus value={password} onChange={(event) => setPassword(event.currentTarget.value)} />
          {user.totp && <SecondFactor value={totp} change={setTotp} />}
          <Refused error={wrongPassword ? new Error(t("confirm.wrong")) : prove.error} />
          <Button type="submit" loading={prove.isPending}>{t("confirm.submit")}</Button>
        </>
      )}
      {!user.has_password && (
        <>
          <p className="soft">{t("confirm.sso_text")}</p>
          <Refused error={leave.error} />
          <Button variant="default" leftSection={<IconLogin2 size={16} stroke={1.6} />} loading={leave.isPending} onClick={() => leave.mutate()}>{t("login.sso")}</Button>
        </>
      )}
      {passkeysWork() && (passkeys.data ?? []).length > 0 && (
        <>
          {!wasDismissed(passkey.error) && <Refused error={passkey.error} />}
          <Button variant="default" leftSection={<IconFingerprint size={16} stroke={1.6} />} loading={passkey.isPending} onClick={() => passkey.mutate()}>{t("confirm.passkey")}</Button>
        </>
      )}
    </form>
  );
}
