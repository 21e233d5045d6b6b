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
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  contentEncoding?: string;
  default?: unknown;
  additionalProperties?: Schema | boolean;
}

interface Media {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { value?: unknown; $ref?: string }>;
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  example?: unknown;
  schema?: Schema;
}

interface RawOperation {
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  "x-permission"?: string;
  security?: unknown[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, Media>; required?: boolean };
  responses: Record<string, { description?: string; content?: Record<string, Media>; headers?: Record<string, { $ref?: string; description?: string }> }>;
}

export interface Document {
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, RawOperation>>;
  webhooks: Record<string, { post: RawOperation }>;
  components: { schemas: Record<string, Schema>; headers: Record<string, { description?: string }> };
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

export const nameOf = (operation: { operationId: string }) => operation.operationId.charAt(0).toUpperCase() + operation.operationId.slice(1).replaceAll("_", " ");

/** The codes that the operation's failures may have, with their status. */
export const codesOf = (operation: Operation) =>
  Object.entries(operation.responses)
    .filter(([status]) => !status.startsWith("2"))
    .flatMap(([status, response]) => Object.keys(response.content?.["application/json"]?.examples ?? {}).map((code) => ({ status: Number(status), code })));

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

export function exampleOf(media: Media | undefined): unknown {
  return media?.example ?? Object.values(media?.examples ?? {})[0]?.value;
}
