/** What is stuck on the connectors: a code for each, printed as a sheet or saved as a picture. */
import { Button, Modal, NativeSelect, NumberInput } from "@mantine/core";
import { IconDownload, IconExternalLink, IconPrinter, IconQrcode } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import { keys } from "../../api/keys";
import { codesQuery } from "../../api/queries";
import type { CodeList, CodeView, StationView } from "../../api/schema";
import { useT } from "../../i18n";
import { power } from "../../lib/format";
import { Loaded, Note, Panel, Refused } from "../../parts/basics";
import { modulesOf, QrCode } from "../../parts/QrCode";
import { useMay } from "../../shell/session";

const PICTURE_PX = 1024;
const QUIET = 4;

const addressOf = (code: CodeView) => `${location.origin}${code.path}`;

export function Codes({ station }: { station: StationView }) {
  const t = useT();
  const may = useMay();
  const client = useQueryClient();
  const query = useQuery(codesQuery(station.id));
  const make = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/stations/{station_id}/codes", { params: { path: { station_id: station.id } } })),
    onSuccess: (made) => client.setQueryData(keys.codes(station.id), made),
  });
  const outlets = station.connectors.filter(({ evse }) => evse > 0).length;
  return (
    <Loaded query={query}>
      {(codes) => (
        <>
          <div className="filters">
            <p className="soft">{t("codes.text")}</p>
            <span className="row push">
              {may("stations.write") && codes.items.length < outlets && <Button loading={make.isPending} leftSection={<IconQrcode size={14} />} onClick={() => make.mutate()}>{t("codes.make")}</Button>}
              {codes.items.length > 0 && <Button variant="default" leftSection={<IconPrinter size={14} />} onClick={() => window.print()}>{t("codes.print")}</Button>}
            </span>
          </div>
          <Refused error={make.error} />
          {codes.items.length === 0 ? (
            <Panel><Note icon={IconQrcode} title={t("codes.none")}>{t("codes.none_text")}</Note></Panel>
          ) : (
            <div className="codes" data-print>{codes.items.map((code) => <Sticker key={code.code} code={code} codes={codes} station={station.id} />)}</div>
          )}
        </>
      )}
    </Loaded>
  );
}

function Sticker({ code, codes, station }: { code: CodeView; codes: CodeList; station: string }) {
  const t = useT();
  const may = useMay();
  const [editing, setEditing] = useState(false);
  const kind = codes.connector_types.find(({ id }) => id === code.connector_type)?.name;
  const name = `${station}-${code.evse}-${code.connector}`;
  return (
    <section className="sticker" aria-label={t("station.evse", { evse: code.evse, connector: code.connector })}>
      <QrCode text={addressOf(code)} label={t("codes.qr", { code: code.printed })} />
      <div className="stack tight">
        <b>{t("station.evse", { evse: code.evse, connector: code.connector })}</b>
        <code className="printed">{code.printed}</code>
        <span className="soft">{kind ?? t("codes.untold")}{code.power_w_max !== null && ` · ${power(code.power_w_max, t.language)}`}</span>
        <span className="row wrap no-print">
          <a className="link row" href={code.path} target="_blank" rel="noreferrer"><IconExternalLink size={14} aria-hidden />{t("codes.open")}</a>
          <button type="button" className="link" onClick={() => save(`${name}.svg`, svgOf(code))}><IconDownload size={14} aria-hidden /> SVG</button>
          <button type="button" className="link" onClick={() => void png(code).then((picture) => save(`${name}.png`, picture))}><IconDownload size={14} aria-hidden /> PNG</button>
          {may("stations.write") && <button type="button" className="link" onClick={() => setEditing(true)}>{t("model.edit")}</button>}
        </span>
      </div>
      <Modal opened={editing} onClose={() => setEditing(false)} title={code.printed} closeButtonProps={{ "aria-label": t("close") }}>
        {editing && <Edit code={code} codes={codes} station={station} done={() => setEditing(false)} />}
      </Modal>
    </section>
  );
}

function Edit({ code, codes, station, done }: { code: CodeView; codes: CodeList; station: string; done: () => void }) {
  const t = useT();
  const client = useQueryClient();
  const [kind, setKind] = useState(code.connector_type);
  const [kilowatts, setKilowatts] = useState<number | string>(code.power_w_max === null ? "" : code.power_w_max / 1000);
  const change = useMutation({
    mutationFn: (body: { connector_type?: string; power_w_max?: number | null; renew?: boolean }) =>
      ask(api.PATCH("/api/v1/stations/{station_id}/codes/{code}", { params: { path: { station_id: station, code: code.code } }, body })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.codes(station) });
      done();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ connector_type: kind, power_w_max: typeof kilowatts === "number" && kilowatts > 0 ? Math.round(kilowatts * 1000) : null });
  };
  return (
    <form className="stack" onSubmit={submit}>
      <p className="soft">{t("codes.label_text")}</p>
      <NativeSelect
        label={t("codes.type")} value={kind} onChange={(event) => setKind(event.currentTarget.value)}
        data={[{ value: "", label: t("codes.untold") }, ...codes.connector_types.map(({ id, name }) => ({ value: id, label: name }))]}
      />
      <NumberInput label={t("codes.power")} min={0} max={10_000} decimalScale={1} value={kilowatts} onChange={setKilowatts} />
      <Refused error={change.error} />
      <div className="row">
        <Button type="submit" loading={change.isPending}>{t("save")}</Button>
        <Button variant="default" color="red" className="push" title={t("codes.renew_text")} onClick={() => change.mutate({ renew: true })}>{t("codes.renew")}</Button>
      </div>
      <p className="soft">{t("codes.renew_text")}</p>
    </form>
  );
}

function svgOf(code: CodeView): Blob {
  const { path, size } = modulesOf(addressOf(code));
  const whole = size + 2 * QUIET;
  const text = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${-QUIET} ${-QUIET} ${whole} ${whole + 6}" shape-rendering="crispEdges"><rect x="${-QUIET}" y="${-QUIET}" width="${whole}" height="${whole + 6}" fill="#fff"/><path d="${path}"/><text x="${size / 2}" y="${size + 6}" font-family="monospace" font-size="4" text-anchor="middle">${code.printed}</text></svg>`;
  return new Blob([text], { type: "image/svg+xml" });
}

/** Drawn module by module: a picture of an SVG would be refused by the page's own policy. */
function png(code: CodeView): Promise<Blob> {
  const { path, size } = modulesOf(addressOf(code));
  const canvas = document.createElement("canvas");
  const step = Math.floor(PICTURE_PX / (size + 2 * QUIET));
  canvas.width = step * (size + 2 * QUIET);
  canvas.height = canvas.width + step * 6;
  const pen = canvas.getContext("2d")!;
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = "#000";
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)/g)) pen.fillRect((Number(x) + QUIET) * step, (Number(y) + QUIET) * step, step, step);
  pen.font = `${step * 4}px monospace`;
  pen.textAlign = "center";
  pen.fillText(code.printed, canvas.width / 2, (size + QUIET + 6) * step);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob === null ? reject(new Error("no picture")) : resolve(blob)), "image/png"));
}

function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
}
