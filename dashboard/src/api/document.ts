// The published document, read into what the reference shows.
import { ask } from "./client";

export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: (string | number)[];
  const?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  additionalProperties?: Schema | boolean;
}

interface Media {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { value?: unknown; $ref?: string }>;
}

interface RawOperation {
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
  requestBody?: { content: Record<string, Media>; required?: boolean };
  responses: Record<string, { description?: string; content?: Record<string, Media> }>;
}

export interface Document {
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, RawOperation>>;
  webhooks: Record<string, { post: RawOperation }>;
  components: { schemas: Record<string, Schema> };
}

export interface Operation extends RawOperation {
  method: string;
  path: string;
  tag: string;
}

let asked: Promise<Document> | null = null;

export function loadDocument() {
  asked ??= ask("GET", "openapi.json").then(
    (response) => response.json() as Promise<Document>,
    (problem) => {
      asked = null;
      throw problem;
    },
  );
  return asked;
}

const METHODS = ["get", "post", "put", "patch", "delete"];

export function operations(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => METHODS.includes(method))
      .map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path, tag: operation.tags?.[0] ?? "other" })),
  );
}

export function resolve(document: Document, schema: Schema | undefined): Schema {
  if (!schema) return {};
  if (schema.$ref) {
    const found = document.components.schemas[schema.$ref.split("/").at(-1)!] ?? {};
    return { ...resolve(document, found), ...(schema.description && { description: schema.description }) };
  }
  if (schema.allOf) return schema.allOf.map((part) => resolve(document, part)).reduce((one, other) => ({ ...one, ...other, properties: { ...one.properties, ...other.properties }, required: [...(one.required ?? []), ...(other.required ?? [])] }), {});
  return schema;
}

/** What sort a value is, in a word or two. */
export function sort(document: Document, schema: Schema): string {
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1)!;
    const inner = resolve(document, schema);
    return inner.enum ? inner.enum.map(String).join(" | ") : inner.properties ? name : sort(document, inner);
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map(String).join(" | ");
  const choice = schema.oneOf ?? schema.anyOf;
  if (choice) return choice.map((one) => sort(document, one)).join(" or ");
  if (schema.type === "array") return `list of ${sort(document, schema.items ?? {})}`;
  const types = [schema.type ?? "object"].flat().map((type) => (type === "string" && schema.format === "date-time" ? "time" : type));
  const range = [schema.minimum ?? schema.minLength, schema.maximum ?? schema.maxLength];
  return types.join(" or ") + (range[1] !== undefined ? ` (${range[0] ?? 0} to ${range[1]})` : "");
}

export function exampleOf(media: Media | undefined): unknown {
  return media?.example ?? Object.values(media?.examples ?? {})[0]?.value;
}
