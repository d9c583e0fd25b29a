/** Which commands there are, and which fields they have: from the API's own document. */
import raw from "../../api/commands.json";
import { GROUPS } from "./names";

interface Property {
  type?: string;
  enum?: readonly string[];
  format?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  oneOf?: readonly Property[];
  $ref?: string;
}

interface Schema {
  title: string;
  properties: Readonly<Record<string, Property>>;
  required: readonly string[];
}

export interface Field {
  name: string;
  kind: "text" | "number" | "integer" | "flag" | "choice" | "moment";
  choices: readonly string[];
  required: boolean;
  initial: string;
  min?: number | undefined;
  max?: number | undefined;
  maxLength?: number | undefined;
}

export interface CommandForm {
  name: string;
  fields: readonly Field[];
  /** Optional parts that only JSON can say. */
  beyond: readonly string[];
  /** Whether the fields suffice to say it. */
  simple: boolean;
  /** The parts that must be written as JSON, empty. */
  skeleton: Readonly<Record<string, unknown>>;
}

const schemas = raw as unknown as Readonly<Record<string, Schema>>;

/** Optional, and yet what the command is about. */
const WRITTEN: ReadonlySet<string> = new Set(["raw.payload", "get_variables.variables"]);

/** Those that take something away from somebody who charges, or the station from the network. */
export const DISRUPTIVE: ReadonlySet<string> = new Set(["reset", "stop", "availability", "unlock", "update_firmware", "set_network_profile"]);

export function commandNames(): string[] {
  const first = Object.values(GROUPS).flat().filter((name) => name in schemas);
  return [...first, ...Object.keys(schemas).filter((name) => !first.includes(name as never)).sort()];
}

export function formOf(name: string): CommandForm {
  const schema = schemas[name];
  if (schema === undefined) return { name, fields: [], beyond: [], simple: false, skeleton: {} };
  const fields: Field[] = [];
  const beyond: string[] = [];
  const skeleton: Record<string, unknown> = {};
  for (const [key, property] of Object.entries(schema.properties)) {
    const required = schema.required.includes(key);
    const made = fieldOf(key, property, required);
    if (made !== null) fields.push(made);
    else if (required || WRITTEN.has(`${name}.${key}`)) skeleton[key] = property.type === "array" ? [] : {};
    else beyond.push(key);
  }
  return { name, fields, beyond, simple: Object.keys(skeleton).length === 0, skeleton };
}

function fieldOf(name: string, property: Property, required: boolean): Field | null {
  const inner = property.oneOf?.find((one) => one.type !== "null") ?? property;
  if (inner.$ref !== undefined) return null;
  const limits = { ...inner, ...property };
  const base = {
    name,
    required,
    choices: (inner.enum ?? []).filter((one) => one !== null),
    initial: property.default === undefined || property.default === null ? "" : String(property.default),
    min: limits.minimum,
    max: limits.maximum,
    maxLength: limits.maxLength,
  };
  if (base.choices.length > 0) return { ...base, kind: "choice" };
  switch (inner.type) {
    case "string":
      return { ...base, kind: inner.format === "date-time" ? "moment" : "text" };
    case "integer":
    case "number":
      return { ...base, kind: inner.type };
    case "boolean":
      return { ...base, kind: "flag" };
    default:
      return null;
  }
}

/** How it looks as JSON, to be completed. */
export function templateOf(form: CommandForm, values: Readonly<Record<string, string>>): string {
  return JSON.stringify({ ...bodyOf(form, values), ...form.skeleton }, null, 2);
}

/** What is sent; fields left empty are left out, so that the platform's defaults hold. */
export function bodyOf(form: CommandForm, values: Readonly<Record<string, string>>): Record<string, unknown> {
  const body: Record<string, unknown> = { command: form.name };
  for (const field of form.fields) {
    const value = values[field.name] ?? field.initial;
    if (field.kind === "flag") {
      if (value !== "") body[field.name] = value === "true";
    } else if (value !== "") body[field.name] = typed(field, value);
  }
  return body;
}

function typed(field: Field, value: string): unknown {
  if (field.kind === "integer" || field.kind === "number") return Number(value);
  if (field.kind === "moment") return new Date(value).toISOString();
  return value;
}
