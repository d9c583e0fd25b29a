import { Button, PasswordInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useLocation } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { api, ask } from "../api/client";
import { useT } from "../i18n";
import { Refused } from "../parts/basics";

/** A link that an owner made: its secret is behind the hash, and is sent nowhere but here. */
export function Reset() {
  const t = useT();
  const hash = useLocation({ select: (here) => here.hash });
  const [secret, setSecret] = useState("");
  useEffect(() => {
    if (hash === "") return;
    setSecret(hash);
    // Out of the address: it is not for who looks over a shoulder, nor for the history.
    history.replaceState(history.state, "", location.pathname);
  }, [hash]);
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const reset = useMutation({ mutationFn: () => ask(api.POST("/api/v1/login/reset", { body: { secret, password } })) });
  const differs = again !== "" && again !== password;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (password === again) reset.mutate();
  };
  return (
    <main className="door">
      <form className="door-card stack" onSubmit={submit}>
        <div className="row">
          <img src="/favicon.svg" width={28} height={28} alt="" />
          <h1>{t("reset.title")}</h1>
        </div>
        {reset.isSuccess ? (
          <>
            <p role="status">{t("reset.done")}</p>
            <Button component="a" href="/" size="sm">{t("login.submit")}</Button>
          </>
        ) : (
          <>
            <p className="soft">{t("reset.text")}</p>
            <PasswordInput size="sm" label={t("account.new_password")} description={t("setup.password_text")} autoComplete="new-password" required autoFocus minLength={10} value={password} onChange={(event) => setPassword(event.currentTarget.value)} />
            <PasswordInput size="sm" label={t("account.again")} autoComplete="new-password" required error={differs && t("account.differs")} value={again} onChange={(event) => setAgain(event.currentTarget.value)} />
            <Refused error={reset.error} />
            <Button type="submit" size="sm" loading={reset.isPending}>{t("reset.submit")}</Button>
          </>
        )}
      </form>
    </main>
  );
}
