// Takes the commands' schemas out of the API's document, for the forms of the command drawer.
// What refers to other schemas keeps them by name; `extra` holds those.
import { readFileSync, writeFileSync } from "node:fs";

const api = JSON.parse(readFileSync(new URL("../../openapi/forecourt.json", import.meta.url)));
const route = api.paths["/api/v1/stations/{station_id}/commands"].post;
const choices = route.requestBody.content["application/json"].schema.oneOf;
const nameOf = (ref) => ref.split("/").at(-1);

const commands = {};
for (const { $ref } of choices) {
  const schema = api.components.schemas[nameOf($ref)];
  const { command, ...properties } = schema.properties;
  const required = (schema.required ?? []).filter((name) => name !== "command");
  commands[command.const] = { title: schema.title, properties, required };
}
writeFileSync(new URL("../src/api/commands.json", import.meta.url), JSON.stringify(commands));
