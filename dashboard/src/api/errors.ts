// The catalogue, asked for once: every refusal on a page shows its fix.
import { signal } from "@preact/signals";
import { get, type Schemas } from "./client";

export type ErrorEntry = Schemas["ErrorEntry"];

export const catalogue = signal<Map<string, ErrorEntry>>(new Map());
let asked: Promise<void> | null = null;

export function loadCatalogue() {
  asked ??= get<ErrorEntry[]>("v1/errors").then(
    (entries) => {
      catalogue.value = new Map(entries.map((entry) => [entry.code, entry]));
    },
    () => {
      asked = null;
    },
  );
  return asked;
}
