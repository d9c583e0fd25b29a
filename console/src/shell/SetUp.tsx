import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { setUp } from "../api/account";
import { keys } from "../api/keys";
import { useT } from "../i18n";
import { Refused } from "../parts/basics";

/** The first owner. What comes next is a station: /welcome shows where to point it. */
export function SetUp() {
  const t = useT();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [form, setForm] = useState({ email: "", name: "", password: "", code: "" });
  const begin = useMutation({
    mutationFn: setUp,
    onSuccess: (me) => {
      client.setQueryData(keys.me, me);
      void navigate({ to: "/welcome" });
    },
  });
  const field = (name: keyof typeof form) => ({
    size: "sm" as const,
    required: true,
    value: form[name],
    onChange: (event: { currentTarget: { value: string } }) => setForm({ ...form, [name]: event.currentTarget.value }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    begin.mutate(form);
  };
  return (
    <main className="door">
      <form className="door-card stack" onSubmit={submit}>
        <div className="row">
          <img src="/favicon.svg" width={28} height={28} alt="" />
          <h1>{t("setup.title")}</h1>
        </div>
        <p className="soft">{t("setup.text")}</p>
        <TextInput label={t("setup.code")} description={t("setup.code_text")} autoFocus autoComplete="off" {...field("code")} />
        <TextInput label={t("setup.name")} autoComplete="name" {...field("name")} />
        <TextInput label={t("login.email")} type="email" autoComplete="username" {...field("email")} />
        <PasswordInput label={t("login.password")} description={t("setup.password_text")} autoComplete="new-password" minLength={10} {...field("password")} />
        <Refused error={begin.error} />
        <Button type="submit" size="sm" loading={begin.isPending}>{t("setup.submit")}</Button>
      </form>
    </main>
  );
}
