// A schema in words: what sort of value it is, within which limits, in which unit.
import { resolve, type Document, type Schema } from "./document";

const one = (schema: Schema) => schema.$ref?.split("/").at(-1);
const both = (words: string[]) => words.filter(Boolean).join(" or ");

/** Parts of a choice that are something: `null` is said beside the sort. */
const parts = (schema: Schema) => (schema.oneOf ?? schema.anyOf ?? []).filter((part) => part.type !== "null");

export function mayBeNull(schema: Schema): boolean {
  return [schema.type].flat().includes("null") || (schema.oneOf ?? schema.anyOf ?? []).some((part) => part.type === "null");
}

/** The members' schema behind a value, be it the value itself or what a list or a choice holds. */
export function inside(document: Document, schema: Schema): Schema | null {
  const whole = resolve(document, schema);
  if (whole.properties) return whole;
  if (whole.items) return inside(document, whole.items);
  if (typeof whole.additionalProperties === "object") return inside(document, whole.additionalProperties);
  for (const part of parts(whole)) {
    const found = inside(document, part);
    if (found) return found;
  }
  return null;
}

export function sort(document: Document, schema: Schema): string {
  const whole = resolve(document, schema);
  if (whole.const !== undefined) return `always ${JSON.stringify(whole.const)}`;
  if (whole.enum) return "one of these words";
  const choice = parts(whole);
  if (choice.length) return both([...new Set(choice.map((part) => sort(document, part)))]);
  const types = [whole.type ?? "object"].flat().filter((type) => type !== "null");
  return both(types.map((type) => kind(document, type, whole, schema)));
}

function kind(document: Document, type: string, whole: Schema, named: Schema) {
  switch (type) {
    case "string":
      return text(whole);
    case "integer":
      return "whole number";
    case "number":
      return "number";
    case "boolean":
      return "true or false";
    case "array":
      return `list, each ${article(sort(document, whole.items ?? {}))}`;
    case "null":
      return "null";
    default:
      if (whole.properties) return one(named) ? `object (${one(named)})` : "object";
      return typeof whole.additionalProperties === "object" ? `object of names, each with ${article(sort(document, whole.additionalProperties))}` : "object";
  }
}

const article = (words: string) => (/^(one of|always|true)/.test(words) ? words : `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`);

function text(schema: Schema) {
  if (schema.format === "date-time") return "time (RFC 3339, UTC)";
  if (schema.format === "date") return "day (YYYY-MM-DD)";
  if (schema.contentEncoding === "base64") return "bytes in Base64";
  const id = schema.pattern?.match(/^\^\(?\??:?([a-z]{2,4})_/)?.[1];
  if (id) return `id, ${id}_…`;
  if (schema.pattern?.startsWith("^#")) return "colour, #rrggbb";
  if (schema.pattern?.includes("[1-9](?:")) return "phone number or id";
  return "text";
}

export function limits(document: Document, schema: Schema): string {
  const whole = resolve(document, schema);
  const said = (from: number | undefined, to: number | undefined, what: string) => {
    if (to === undefined) return from ? `${from} ${what} or more` : "";
    return from === to ? `${to} ${what}` : `${from ?? 0} to ${to} ${what}`;
  };
  const items = whole.items ? said(whole.minItems, whole.maxItems, "of them") : "";
  return [said(whole.minLength, whole.maxLength, "characters"), said(whole.minimum, whole.maximum, ""), items].filter(Boolean).join(", ").trim();
}

/** Names of the API carry their units; this says them. */
export function unit(name: string, schema: Schema): string {
  if (![schema.type].flat().some((type) => type === "integer" || type === "number")) return "";
  if (/seconds$/i.test(name) || name === "wait" || name === "duration") return "seconds";
  if (/Ms$/.test(name)) return "milliseconds";
  if (/bytes$/i.test(name) || name === "size") return "bytes";
  if (/days$/i.test(name)) return "days";
  if (/PerMinute$/.test(name)) return "a minute";
  if (/PerDay$/.test(name)) return "a day";
  if (/(latitude|longitude)$/i.test(name)) return "degrees";
  return "";
}

export const words = (document: Document, schema: Schema): (string | number)[] => {
  const whole = resolve(document, schema);
  return whole.enum ?? (whole.items ? words(document, whole.items) : parts(whole).flatMap((part) => words(document, part)));
};
