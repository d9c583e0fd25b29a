/** What an endpoint is made of: address, what it hears of, headers. */
import { MultiSelect, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { WebhookView } from "../../api/schema";
import { useT } from "../../i18n";
import { eventTypesQuery } from "./queries";

export interface Form {
  url: string;
  description: string;
  types: string[];
  sites: string[];
  /** One line for each, as in HTTP; null leaves those that are kept. */
  headers: string | null;
}

export const blank: Form = { url: "", description: "", types: [], sites: [], headers: "" };

export function formOf(hook: WebhookView): Form {
  return { url: hook.url, description: hook.description, types: hook.types, sites: hook.sites, headers: null };
}

/** "X-Team: 7" to a name and a value; lines without a colon are told to the platform, which refuses them. */
export function headersOf(text: string): Record<string, string> {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return Object.fromEntries(lines.map((line) => {
    const at = line.indexOf(":");
    return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  }));
}

export function bodyOf(form: Form) {
  const { headers, ...rest } = form;
  return { ...rest, url: form.url.trim(), ...(headers !== null && { secret_headers: headersOf(headers) }) };
}

export function Fields({ form, set, kept }: { form: Form; set: (form: Form) => void; kept?: readonly string[] }) {
  const t = useT();
  const types = useQuery(eventTypesQuery);
  const choices = useMemo(() => {
    const groups = new Map<string, { value: string; label: string }[]>();
    for (const one of types.data ?? []) {
      const held = groups.get(one.group) ?? [{ value: `${one.group}.`, label: t("webhooks.whole_group", { group: one.group }) }];
      groups.set(one.group, [...held, { value: one.type, label: one.type }]);
    }
    return [...groups].map(([group, items]) => ({ group, items }));
  }, [types.data, t]);
  const means = useMemo(() => new Map((types.data ?? []).map((one) => [one.type, one.description])), [types.data]);
  return (
    <>
      <TextInput label={t("field.url")} type="url" required data-autofocus placeholder="https://" description={t("webhooks.url_text")} value={form.url} onChange={(event) => set({ ...form, url: event.currentTarget.value })} />
      <TextInput label={t("webhooks.description")} maxLength={200} value={form.description} onChange={(event) => set({ ...form, description: event.currentTarget.value })} />
      <MultiSelect
        label={t("webhooks.types")} description={t("webhooks.types_text")} data={choices} value={form.types} onChange={(chosen) => set({ ...form, types: chosen })}
        searchable clearable placeholder={form.types.length === 0 ? t("webhooks.every") : ""} maxDropdownHeight={280} clearButtonProps={{ "aria-label": t("webhooks.clear") }}
        renderOption={({ option }) => <span><span className="mono">{option.label}</span>{means.has(option.value) && <><br /><span className="soft">{means.get(option.value)}</span></>}</span>}
      />
      <TagsInput label={t("webhooks.sites")} description={t("webhooks.sites_text")} value={form.sites} onChange={(sites) => set({ ...form, sites })} />
      <Textarea
        label={t("webhooks.headers")} description={kept && kept.length > 0 ? t("webhooks.headers_kept", { names: kept.join(", ") }) : t("webhooks.headers_text")}
        autosize minRows={2} placeholder="Authorization: Bearer …" value={form.headers ?? ""} onChange={(event) => set({ ...form, headers: event.currentTarget.value })}
        spellCheck={false} autoComplete="off"
      />
    </>
  );
}
