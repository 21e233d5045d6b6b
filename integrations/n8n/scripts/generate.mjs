// Writes what the node offers into nodes/Wharf/generated, from the table beside this file and the repository's OpenAPI document: which fields an operation
// takes, how they are shown and where they go. `--check` compares and writes nothing.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { BY_LINES, DESCRIPTIONS, EXTRA, FIRST, NAMES, RENAMED, RESOURCES } from "./table.mjs";
import { source } from "./source.mjs";

const here = new URL("..", import.meta.url).pathname;
const folder = `${here}nodes/Wharf/generated/`;
const document = JSON.parse(readFileSync(`${here}../../docs/reference/openapi.json`, "utf8"));

const found = Object.fromEntries(
  Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).filter(([, { operationId }]) => operationId).map(([method, operation]) => [operation.operationId, { ...operation, method: method.toUpperCase(), path }])),
);
const resolved = (schema) => (schema.$ref ? document.components.schemas[schema.$ref.split("/").pop()] : schema);

const WORDS = { id: "ID", url: "URL", qr: "QR", whatsapp: "WhatsApp" };
/** `phoneNumbers`, `poll_vote` and `message.received` as a title. */
const title = (name) =>
  name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .split(/[ ._]/)
    .map((word) => WORDS[word.toLowerCase()] ?? word[0].toUpperCase() + word.slice(1))
    .join(" ");
/** A sentence as n8n shows it: without backticks, with its word for an id, and without a full stop where it stands alone. */
const sentence = (text) => {
  const plain = text.replace(/`/g, "").replace(/\bid(s?)\b/g, "ID$1").trim();
  const first = plain[0].toUpperCase() + plain.slice(1);
  return first.includes(". ") ? first : first.replace(/\.$/, "");
};
const byName = (key) => (a, b) => a[key].localeCompare(b[key], "en", { sensitivity: "base" });
const choices = (words, describe = () => undefined) =>
  words
    .map((value) => {
      const description = describe(value);
      return { name: value === "*" ? "All" : title(value), value, ...(description && { description: sentence(description) }) };
    })
    .sort(byName("name"));

/** What a member of the document is: how n8n asks for it, and what it is made of before it is sent. */
function asked(name, given) {
  const { description: outer } = given;
  const plain = resolved(given.anyOf?.find((one) => one.type !== "null") ?? given);
  const schema = { ...plain, description: outer ?? plain.description };
  const types = [schema.type ?? schema.oneOf?.map(({ type }) => type)].flat(2).filter((type) => type && type !== "null");
  const description = DESCRIPTIONS[name] ?? (schema.description && sentence(schema.description));
  const own = RENAMED[name] ?? name;
  const shown = (more) => ({ displayName: NAMES[name] ?? title(own), name: own, ...more, ...(description && { description }) });
  if (name === "sessionId") {
    const choose = 'Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>';
    return { property: { ...shown({ type: "options", typeOptions: { loadOptionsMethod: "getSessions" }, default: "" }), description: choose } };
  }
  if (schema.enum) return { property: shown({ type: "options", options: choices(schema.enum), default: FIRST[name] ?? schema.enum[0] }) };
  if (types.includes("boolean")) return { property: shown({ type: "boolean", default: false }) };
  if (types.includes("integer") || types.includes("number")) {
    const { minimum, maximum } = schema;
    const typeOptions = { ...(types.includes("number") && { numberPrecision: 7 }), ...(minimum !== undefined && { minValue: minimum }), ...(maximum < 1e9 && { maxValue: maximum }) };
    return { property: shown({ type: "number", typeOptions, default: Math.max(minimum ?? 0, 0) }) };
  }
  if (types.includes("array")) {
    const items = resolved(schema.items);
    if (items.enum) return { property: shown({ type: "multiOptions", options: choices(items.enum), default: [] }) };
    if (items.type === "object") return { property: shown({ type: "json", default: "[]" }), kind: "json" };
    if (BY_LINES.includes(name)) return { property: shown({ type: "string", typeOptions: { rows: 4 }, default: "" }), kind: "lines" };
    const list = shown({ type: "string", default: "" });
    return { property: { ...list, description: DESCRIPTIONS[name] ?? "Phone numbers or LIDs, comma-separated" }, kind: "commas" };
  }
  if (types.includes("object")) return { property: shown({ type: "json", default: "{}" }), kind: "json" };
  if (schema.format === "date-time") return { property: shown({ type: "dateTime", default: "" }), kind: "time" };
  if (schema.pattern === "^#[0-9A-Fa-f]{6}$") return { property: shown({ type: "color", default: "" }) };
  if (name === "secret") return { property: shown({ type: "string", typeOptions: { password: true }, default: "" }) };
  const long = name === "text" || name === "caption" || name === "data" || name === "description";
  return { property: shown({ type: "string", ...(long && { typeOptions: { rows: 4 } }), default: "" }) };
}

/** Fields of an operation in the order in which they are asked for: the session, the path, what must be, what can be. */
function fieldsOf(entry, { skip = [], top = [] }) {
  const parameters = (entry.parameters ?? []).filter((one) => one.in !== "header" && !["limit", "cursor"].includes(one.name));
  const fields = parameters.map(({ name, in: place, required, schema, description }) => ({ name, place, required, schema: { ...schema, description: description ?? schema.description } }));
  const body = entry.requestBody?.content["application/json"]?.schema;
  if (body) {
    const { properties, required } = resolved(body);
    const order = [...required, ...Object.keys(properties).filter((name) => !required.includes(name))];
    fields.push(...order.map((name) => ({ name, place: "body", required: required.includes(name), schema: properties[name] })));
  }
  const wanted = fields.filter(({ name }) => !skip.includes(name)).map((field) => ({ ...field, top: field.required || top.includes(field.name) }));
  return [...wanted.filter(({ name, top }) => top && name === "sessionId"), ...wanted.filter(({ name, top }) => !top || name !== "sessionId")];
}

const COLLECTIONS = {
  additionalFields: { displayName: "Additional Fields", placeholder: "Add Field" },
  filters: { displayName: "Filters", placeholder: "Add Filter" },
  updateFields: { displayName: "Update Fields", placeholder: "Add Field" },
};
const KEY = {
  displayName: "Idempotency Key",
  name: "idempotencyKey",
  type: "string",
  default: "",
  description: "A key of your own, such as an order's number: whatever is sent with it goes out once in 24 hours. Left out, the node makes one for each item and execution.",
};

function operationOf(resource, listed) {
  const entry = found[listed.operation];
  if (!entry) throw new Error(`the document has no ${listed.operation}`);
  const parameters = (entry.parameters ?? []).map(({ name }) => name);
  const fields = fieldsOf(entry, listed);
  const { value, by, extra = [] } = listed;
  const answer = Object.values(entry.responses).find((one) => one.content?.["application/json"])?.content["application/json"].schema;
  const lists = parameters.includes("cursor") ? "pages" : answer?.$ref?.endsWith("Page") ? "whole" : undefined;
  const limited = lists === "pages" || value === "getAll";
  const collection = limited ? "filters" : value === "update" ? "updateFields" : "additionalFields";
  const shownAt = (property, more = {}) => ({ ...property, displayOptions: { show: { resource: [resource], operation: [value], ...more } } });

  const properties = [];
  const optional = parameters.includes("Idempotency-Key") ? [KEY] : [];
  const sent = fields.map(({ name, place, required, schema, top }) => {
    const { property, kind } = asked(name, schema);
    if (top) {
      const { displayName, name: own, type, ...rest } = property;
      properties.push(shownAt({ displayName, name: own, type, ...(required && { required: true }), ...rest }));
    } else optional.push(property);
    return { name: property.name, ...(property.name !== name && { wire: name }), place, ...(kind && { kind }), ...(!top && { optional: true }) };
  });
  properties.push(...extra.map((name) => ({ name, ...EXTRA[name] })).map(({ when, displayName, ...rest }) => shownAt({ displayName, ...rest }, when)));
  if (limited) {
    properties.push(
      shownAt({ displayName: "Return All", name: "returnAll", type: "boolean", default: false, description: "Whether to return all results or only up to a given limit" }),
      shownAt({ displayName: "Limit", name: "limit", type: "number", typeOptions: { minValue: 1 }, default: 50, description: "Max number of results to return" }, { returnAll: [false] }),
    );
  }
  if (optional.length > 0) properties.push(shownAt({ displayName: COLLECTIONS[collection].displayName, name: collection, type: "collection", placeholder: COLLECTIONS[collection].placeholder, default: {}, options: optional.sort(byName("displayName")) }));

  const facts = {
    method: entry.method,
    path: entry.path,
    ...(by && { by }),
    ...(parameters.includes("Idempotency-Key") && { keyed: true }),
    ...(lists && { lists }),
    ...(limited && { limited: true }),
    ...(optional.length > 0 && { collection }),
    fields: sent,
  };
  return { choice: { name: listed.name, value, action: listed.action, description: sentence(entry.summary) }, facts, properties };
}

/** One property for all operations of a resource that ask for it in the same way. */
function merged(properties) {
  const kept = [];
  for (const property of properties) {
    const { displayOptions, ...rest } = property;
    const { operation, ...show } = displayOptions.show;
    const same = kept.find((one) => one.like === JSON.stringify([rest, show]));
    if (same) same.property.displayOptions.show.operation.push(...operation);
    else kept.push({ like: JSON.stringify([rest, show]), property });
  }
  return kept.map(({ property }) => property);
}

const HEAD = "// Written by scripts/generate.mjs from the OpenAPI document and scripts/table.mjs. Do not edit.\n";
const DEFAULTS = { contact: "check", media: "upload", message: "sendText" };
const files = new Map();
for (const { value, operations } of RESOURCES) {
  const made = operations.map((one) => operationOf(value, one));
  const choice = {
    displayName: "Operation",
    name: "operation",
    type: "options",
    noDataExpression: true,
    displayOptions: { show: { resource: [value] } },
    options: made.map((one) => one.choice).sort(byName("name")),
    default: DEFAULTS[value] ?? "getAll",
  };
  const table = Object.fromEntries(operations.map((one, at) => [one.value, made[at].facts]));
  const properties = [choice, ...merged(made.flatMap((one) => one.properties))];
  files.set(
    `${value}.ts`,
    `${HEAD}import type { INodeProperties } from "n8n-workflow";\nimport type { Operation } from "../operation";\n\nexport const ${value}Operations: Record<string, Operation> = ${source(table)};\n\nexport const ${value}Properties: INodeProperties[] = ${source(properties)};\n`,
  );
}
const names = RESOURCES.map(({ value }) => value);
const resource = { displayName: "Resource", name: "resource", type: "options", noDataExpression: true, options: RESOURCES.map(({ name, value }) => ({ name, value })), default: "message" };
files.set(
  "index.ts",
  `${HEAD}import type { INodeProperties } from "n8n-workflow";\nimport type { Operation } from "../operation";\n${names.map((name) => `import { ${name}Operations, ${name}Properties } from "./${name}";\n`).join("")}
export const operations: Record<string, Record<string, Operation>> = {\n${names.map((name) => `  ${name}: ${name}Operations,\n`).join("")}};

const resource: INodeProperties = ${source(resource)};

export const properties: INodeProperties[] = [resource, ${names.map((name) => `...${name}Properties`).join(", ")}];
`,
);
const events = choices(document.components.schemas.EventChoice.enum, (kind) => (kind === "*" ? "Each step once, by the event of its own." : document.webhooks[kind]?.post.summary));
files.set("events.ts", `${HEAD}import type { INodePropertyOptions } from "n8n-workflow";\n\nexport const events: INodePropertyOptions[] = ${source(events)};\n`);

// The package has the version of what it was made for.
const manifest = readFileSync(`${here}package.json`, "utf8").replace(/"version": "[^"]*"/, `"version": "${document.info.version}"`);
const all = [...[...files].map(([name, text]) => [folder + name, text]), [`${here}package.json`, manifest]];
const read = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};
if (process.argv.includes("--check")) {
  const stale = all.filter(([path, text]) => read(path) !== text).map(([path]) => path.slice(here.length));
  const strange = readdirSync(folder).filter((name) => !files.has(name));
  if (stale.length + strange.length > 0) throw new Error(`not what the document says: ${[...stale, ...strange]}; run npm run generate`);
} else {
  mkdirSync(folder, { recursive: true });
  for (const [path, text] of all) writeFileSync(path, text);
}
