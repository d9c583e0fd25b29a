/** Who hears of what happens: the endpoints, and how they do. */
import { Button, Modal } from "@mantine/core";
import { IconPlus, IconWebhook } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import type { WebhookAddition, WebhookView } from "../../api/schema";
import { useT } from "../../i18n";
import { count } from "../../lib/format";
import { Ago, Loaded, Note, Page, Refused } from "../../parts/basics";
import { type Column, DataTable } from "../../parts/DataTable";
import { State } from "../../parts/states";
import { useMay } from "../../shell/session";
import { blank, bodyOf, Fields, type Form } from "./Fields";
import { healthOf, webhookKeys, webhooksQuery } from "./queries";
import { Secret } from "./Secret";

export function Webhooks() {
  const t = useT();
  const may = useMay();
  const navigate = useNavigate();
  const found = useQuery(webhooksQuery);
  const [adding, setAdding] = useState(false);
  const open = (hook: WebhookView) => void navigate({ to: "/webhooks/$id", params: { id: hook.id } });
  const columns: Column<WebhookView>[] = [
    { id: "url", head: t("field.url"), width: "minmax(200px, 3fr)", cell: (hook) => <Address hook={hook} /> },
    { id: "state", head: t("stations.state"), width: "120px", cell: (hook) => <State state={healthOf(hook)} group="webhook" /> },
    { id: "description", head: t("webhooks.description"), width: "minmax(110px, 1.5fr)", cell: (hook) => hook.description || <span className="soft">–</span> },
    { id: "types", head: t("webhooks.types"), width: "minmax(110px, 1.5fr)", cell: (hook) => hook.types.join(", ") || <span className="soft">{t("webhooks.every")}</span> },
    { id: "waiting", head: t("webhooks.waiting"), width: "80px", numeric: true, cell: (hook) => count(hook.health?.waiting ?? 0, t.language) },
    { id: "delivered", head: t("webhooks.delivered_day"), width: "110px", numeric: true, cell: (hook) => count(hook.health?.delivered ?? 0, t.language) },
    { id: "failed", head: t("webhooks.failed_day"), width: "110px", numeric: true, cell: (hook) => count(hook.health?.failed ?? 0, t.language) },
    { id: "last", head: t("webhooks.last"), width: "120px", numeric: true, cell: (hook) => <Ago at={hook.delivered_at} none={t("never")} /> },
  ];
  return (
    <Page title={t("nav.webhooks")} aside={may("webhooks.write") && <Button leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>{t("webhooks.add")}</Button>}>
      <Loaded query={found}>
        {(hooks) => (
          <>
            {hooks.filter((hook) => hook.disabled_by === "failing" || hook.disabled_by === "gone").map((hook) => (
              <div key={hook.id} className="banner" data-tone="faulted" role="status">
                <span className="cut">{t(hook.disabled_by === "gone" ? "webhooks.gave_up_gone" : "webhooks.gave_up_failing", { url: hook.url })}</span>
              </div>
            ))}
            <DataTable
              short label={t("nav.webhooks")} rows={hooks} columns={columns} id={(hook) => hook.id} open={open} cardHeight={66}
              empty={<Note icon={IconWebhook} title={t("webhooks.none")}>{t("webhooks.none_text")}</Note>}
              card={(hook) => (
                <span className="row">
                  <span className="cut"><Address hook={hook} /><br /><span className="soft">{hook.description || hook.types.join(", ") || t("webhooks.every")}</span></span>
                  <span className="push"><State state={healthOf(hook)} group="webhook" /></span>
                </span>
              )}
            />
          </>
        )}
      </Loaded>
      <Modal opened={adding} onClose={() => setAdding(false)} title={t("webhooks.add")} closeButtonProps={{ "aria-label": t("close") }}>
        {adding && <Add done={() => setAdding(false)} />}
      </Modal>
    </Page>
  );
}

function Address({ hook }: { hook: WebhookView }) {
  return <Link to="/webhooks/$id" params={{ id: hook.id }}><b style={{ fontWeight: 500 }}>{hook.url}</b></Link>;
}

function Add({ done }: { done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const [form, setForm] = useState<Form>(blank);
  const add = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/webhooks", { body: bodyOf(form) as WebhookAddition })),
    onSuccess: () => client.invalidateQueries({ queryKey: webhookKeys.all }),
  });
  if (add.data) return <Secret secret={add.data.secret} done={done} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <Fields form={form} set={setForm} />
      <Refused error={add.error} />
      <div className="row"><Button type="submit" loading={add.isPending}>{t("webhooks.add")}</Button></div>
    </form>
  );
}
