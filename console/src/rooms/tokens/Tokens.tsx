import { ActionIcon, Button, Menu, Modal, NativeSelect, NumberInput, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconCircleCheck, IconCircleOff, IconDots, IconId, IconPlus, IconSearch, IconTrash } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useCallback, useMemo, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { type TokenFilters, type TokenSort, tokensQuery } from "../../api/queries";
import type { TokenAddition, TokenView } from "../../api/schema";
import { useT } from "../../i18n";
import { moment } from "../../lib/format";
import { useZone } from "../../lib/zones";
import { Ago, Loaded, Note, Page, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { ExportCsv } from "../../parts/Export";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";
import type { TokensSearch } from "./index";

const route = getRouteApi("/tokens");

export function Tokens() {
  const zone = useZone();
  const t = useT();
  const may = useMay();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/tokens" });
  const [adding, setAdding] = useState(false);
  const filters: TokenFilters = { q: search.find, sort: search.sort };
  const query = useInfiniteQuery(tokensQuery(filters));
  const change = useChange();
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const narrow = (changed: Partial<TokensSearch>) => void navigate({ search: { ...search, ...changed }, replace: true });
  const find = useDebouncedCallback((value: string) => narrow({ find: value.trim() || undefined }), 200);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query;
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, isFetchingNextPage]);
  const columns: Column<TokenView>[] = [
    { id: "uid", sort: "uid", head: t("tokens.uid"), width: "minmax(150px, 1.4fr)", cell: (one) => <b className="mono" style={{ fontWeight: 500 }}>{one.uid}</b> },
    { id: "status", sort: "status", head: t("stations.state"), width: "110px", cell: (one) => <State state={one.status} group="token" /> },
    { id: "label", sort: "label", head: t("tokens.label"), width: "minmax(120px, 1.4fr)", cell: (one) => one.label || <span className="soft">–</span> },
    { id: "group", sort: "group", head: t("tokens.group"), width: "minmax(90px, 1fr)", cell: (one) => one.group || <span className="soft">–</span> },
    { id: "type", sort: "type", head: t("tokens.type"), width: "100px", cell: (one) => one.type },
    { id: "until", sort: "valid_until", head: t("tokens.until"), width: "150px", cell: (one) => (one.valid_until ? moment(one.valid_until, t.language, zone) : <span className="soft">{t("tokens.forever")}</span>) },
    { id: "max", head: t("tokens.sessions"), width: "90px", numeric: true, cell: (one) => one.sessions_max ?? "∞" },
    { id: "created", sort: "created_at", head: t("facts.created"), width: "120px", numeric: true, cell: (one) => <Ago at={one.created_at} /> },
    { id: "act", head: <span className="sr">{t("actions")}</span>, width: "30px", cell: (one) => may("tokens.write") && <Actions token={one} change={change} /> },
  ];
  return (
    <Page full title={t("nav.tokens")} aside={<><ExportCsv path="/api/v1/tokens" filters={{ ...filters }} />{may("tokens.write") && <Button leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>{t("tokens.add")}</Button>}</>}>
      <div className="filters">
        <TextInput
          data-filter w={230} leftSection={<IconSearch size={14} aria-hidden />} placeholder={t("tokens.filter")} aria-label={t("tokens.filter")} defaultValue={search.find ?? ""}
          onChange={(event) => find(event.currentTarget.value)}
        />
      </div>
      <Refused error={change.error} />
      <Loaded query={query} rows={12}>
        {() => (
          <DataTable
            label={t("nav.tokens")} rows={rows} columns={columns} id={(one) => one.uid} more={hasNextPage ? more : undefined} cardHeight={66}
            sort={search.sort ?? "uid"} onSort={(sort) => narrow({ sort: sort as TokenSort })}
            empty={search.find ? <Note icon={IconSearch} title={t("table.no_match")} /> : <Note icon={IconId} title={t("tokens.none")}>{t("tokens.none_text")}</Note>}
            card={(one) => (
              <span className="row">
                <span className="cut"><b className="mono">{one.uid}</b><br /><span className="soft">{[one.label, one.group, one.type].filter(Boolean).join(" · ")}</span></span>
                <span className="push"><State state={one.status} group="token" /></span>
                {may("tokens.write") && <Actions token={one} change={change} />}
              </span>
            )}
          />
        )}
      </Loaded>
      <Modal opened={adding} onClose={() => setAdding(false)} title={t("tokens.add")} closeButtonProps={{ "aria-label": t("close") }}>
        {adding && <Add done={() => setAdding(false)} />}
      </Modal>
    </Page>
  );
}

type Deed = { uid: string; deed: "accepted" | "blocked" | "remove" };

function useChange() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ uid, deed }: Deed) => {
      const path = { params: { path: { uid } } };
      if (deed === "remove") await ask(api.DELETE("/api/v1/tokens/{uid}", path));
      else await ask(api.PATCH("/api/v1/tokens/{uid}", { ...path, body: { status: deed } }));
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.tokens }),
  });
}

function Actions({ token, change }: { token: TokenView; change: ReturnType<typeof useChange> }) {
  const t = useT();
  const blocked = token.status === "blocked";
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon size="sm" aria-label={`${t("actions")}: ${token.uid}`}><IconDots size={16} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={blocked ? <IconCircleCheck size={15} /> : <IconCircleOff size={15} />} onClick={() => change.mutate({ uid: token.uid, deed: blocked ? "accepted" : "blocked" })}>
          {blocked ? t("tokens.unblock") : t("tokens.block")}
        </Menu.Item>
        <Menu.Item color="red" leftSection={<IconTrash size={15} />} onClick={() => { if (window.confirm(t("tokens.remove_sure", { uid: token.uid }))) change.mutate({ uid: token.uid, deed: "remove" }); }}>
          {t("remove")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const TYPES = ["ISO14443", "ISO15693", "Central", "eMAID", "KeyCode", "Local", "MacAddress"] as const;

function Add({ done }: { done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const [form, setForm] = useState({ uid: "", label: "", group: "", type: "ISO14443", until: "", sessions: "1" });
  const add = useMutation({
    mutationFn: () =>
      ask(
        api.POST("/api/v1/tokens", {
          body: {
            uid: form.uid.trim(), label: form.label, group: form.group, type: form.type,
            valid_until: form.until === "" ? null : new Date(form.until).toISOString(),
            sessions_max: form.sessions === "" ? null : Number(form.sessions),
          } as TokenAddition,
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.tokens });
      done();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  const field = (name: keyof typeof form) => ({
    value: form[name],
    onChange: (event: { currentTarget: { value: string } }) => setForm({ ...form, [name]: event.currentTarget.value }),
  });
  return (
    <form className="stack" onSubmit={submit}>
      <TextInput label={t("tokens.uid")} required maxLength={255} data-autofocus {...field("uid")} />
      <NativeSelect label={t("tokens.type")} data={[...TYPES]} {...field("type")} />
      <TextInput label={t("tokens.label")} {...field("label")} />
      <TextInput label={t("tokens.group")} {...field("group")} />
      <TextInput label={t("tokens.until")} type="datetime-local" {...field("until")} />
      <NumberInput label={t("tokens.sessions")} description={t("tokens.sessions_text")} min={1} max={1000} value={form.sessions} onChange={(value) => setForm({ ...form, sessions: String(value) })} />
      <Refused error={add.error} />
      <div className="row"><Button type="submit" loading={add.isPending}>{t("tokens.add")}</Button></div>
    </form>
  );
}
