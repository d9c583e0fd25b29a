import { NativeSelect, NumberInput, TextInput } from "@mantine/core";
import { useT } from "../../i18n";
import type { CommandForm, Field } from "./commands";

interface Props {
  form: CommandForm;
  values: Readonly<Record<string, string>>;
  change: (name: string, value: string) => void;
}

/** One input for each field that a command has. */
export function CommandFields({ form, values, change }: Props) {
  return (
    <>
      {form.fields.map((field) => (
        <One key={field.name} field={field} value={values[field.name] ?? field.initial} change={(value) => change(field.name, value)} />
      ))}
    </>
  );
}

function One({ field, value, change }: { field: Field; value: string; change: (value: string) => void }) {
  const t = useT();
  const label = t.word("field", field.name);
  const shared = { label, required: field.required };
  switch (field.kind) {
    case "choice":
      return (
        <NativeSelect
          {...shared} value={value} onChange={(event) => change(event.currentTarget.value)}
          data={[...(field.initial === "" ? [{ value: "", label: field.required ? t("command.pick") : "–" }] : []), ...field.choices.map((one) => ({ value: one, label: t.word("choice", one) }))]}
        />
      );
    case "flag":
      return (
        <NativeSelect
          {...shared} value={value} onChange={(event) => change(event.currentTarget.value)}
          data={[...(field.initial === "" ? [{ value: "", label: field.required ? t("command.pick") : "–" }] : []), { value: "true", label: t("yes") }, { value: "false", label: t("no") }]}
        />
      );
    case "integer":
    case "number":
      return <NumberInput {...shared} value={value} onChange={(next) => change(String(next))} min={field.min} max={field.max} allowDecimal={field.kind === "number"} thousandSeparator=" " />;
    case "moment":
      return <TextInput {...shared} type="datetime-local" step={1} value={value} onChange={(event) => change(event.currentTarget.value)} />;
    case "text":
      return <TextInput {...shared} value={value} maxLength={field.maxLength} onChange={(event) => change(event.currentTarget.value)} />;
  }
}
