import type { IHttpRequestMethods } from "n8n-workflow";

/** Where a field of the form goes, and what is made of its words before. */
export interface Field {
  name: string;
  /** What the API calls it, where that is another name. */
  wire?: string;
  place: "path" | "query" | "body";
  /** `commas` and `lines` are lists that are written as a text; `json` is parsed; `time` gets its offset. */
  kind?: "commas" | "lines" | "json" | "time";
  /** It stands in the operation's collection. */
  optional?: true;
}

/** An operation as the node calls it. */
export interface Operation {
  method: IHttpRequestMethods;
  path: string;
  /** The code that is not the usual one. */
  by?: "download" | "upload" | "sendMedia" | "waitFor";
  /** Takes an `Idempotency-Key`. */
  keyed?: true;
  /** Answers a list: page by page, or the whole at once. */
  lists?: "pages" | "whole";
  /** The form has «Return All» and a limit. */
  limited?: true;
  /** The parameter with the optional fields. */
  collection?: "additionalFields" | "filters" | "updateFields";
  fields: Field[];
}
