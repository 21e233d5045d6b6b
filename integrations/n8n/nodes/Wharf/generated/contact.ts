// Written by scripts/generate.mjs from the OpenAPI document and scripts/table.mjs. Do not edit.
import type { INodeProperties } from "n8n-workflow";
import type { Operation } from "../operation";

export const contactOperations: Record<string, Operation> = {
  block: { method: "POST", path: "/v1/contacts/{contactId}/block", fields: [{ name: "sessionId", place: "body" }, { name: "contactId", place: "path" }] },
  check: {
    method: "POST",
    path: "/v1/contacts/check",
    lists: "whole",
    fields: [{ name: "sessionId", place: "body" }, { name: "phoneNumbers", place: "body", kind: "commas" }],
  },
  get: { method: "GET", path: "/v1/contacts/{contactId}", fields: [{ name: "sessionId", place: "query" }, { name: "contactId", place: "path" }] },
  getAll: { method: "GET", path: "/v1/contacts", lists: "pages", limited: true, fields: [{ name: "sessionId", place: "query" }] },
  getBlocked: { method: "GET", path: "/v1/contacts/blocked", lists: "whole", fields: [{ name: "sessionId", place: "query" }] },
  getPicture: {
    method: "GET",
    path: "/v1/contacts/{contactId}/picture",
    collection: "additionalFields",
    fields: [{ name: "sessionId", place: "query" }, { name: "contactId", place: "path" }, { name: "size", place: "query", optional: true }],
  },
  getPresence: { method: "GET", path: "/v1/contacts/{contactId}/presence", fields: [{ name: "sessionId", place: "query" }, { name: "contactId", place: "path" }] },
  unblock: { method: "POST", path: "/v1/contacts/{contactId}/unblock", fields: [{ name: "sessionId", place: "body" }, { name: "contactId", place: "path" }] },
};

export const contactProperties: INodeProperties[] = [
  {
    displayName: "Operation",
    name: "operation",
    type: "options",
    noDataExpression: true,
    displayOptions: { show: { resource: ["contact"] } },
    options: [
      { name: "Block", value: "block", action: "Block a contact", description: "Blocks a person" },
      { name: "Check", value: "check", action: "Check phone numbers", description: "Tells which phone numbers are on WhatsApp" },
      { name: "Get", value: "get", action: "Get a contact", description: "Shows a person with what WhatsApp tells" },
      { name: "Get Blocked", value: "getBlocked", action: "Get blocked contacts", description: "Lists whom the session's account blocks" },
      { name: "Get Many", value: "getAll", action: "Get many contacts", description: "Lists the people of the session's messages" },
      { name: "Get Picture", value: "getPicture", action: "Get the picture of a contact", description: "Tells where the picture of a person or a group is" },
      {
        name: "Get Presence",
        value: "getPresence",
        action: "Get the presence of a contact",
        description: "Asks WhatsApp for a person's presence and shows what it told so far",
      },
      { name: "Unblock", value: "unblock", action: "Unblock a contact", description: "Lets a person write again" },
    ],
    default: "check",
  },
  {
    displayName: "Session Name or ID",
    name: "sessionId",
    type: "options",
    required: true,
    typeOptions: { loadOptionsMethod: "getSessions" },
    default: "",
    description: "Choose from the list, or specify an ID using an <a href=\"https://docs.n8n.io/code/expressions/\">expression</a>",
    displayOptions: { show: { resource: ["contact"], operation: ["block", "check", "get", "getAll", "getBlocked", "getPicture", "getPresence", "unblock"] } },
  },
  {
    displayName: "Contact ID",
    name: "contactId",
    type: "string",
    required: true,
    default: "",
    description: "A phone number or a LID",
    displayOptions: { show: { resource: ["contact"], operation: ["block", "get", "getPicture", "getPresence", "unblock"] } },
  },
  {
    displayName: "Phone Numbers",
    name: "phoneNumbers",
    type: "string",
    required: true,
    default: "",
    description: "Phone numbers or LIDs, comma-separated",
    displayOptions: { show: { resource: ["contact"], operation: ["check"] } },
  },
  {
    displayName: "Return All",
    name: "returnAll",
    type: "boolean",
    default: false,
    description: "Whether to return all results or only up to a given limit",
    displayOptions: { show: { resource: ["contact"], operation: ["getAll"] } },
  },
  {
    displayName: "Limit",
    name: "limit",
    type: "number",
    typeOptions: { minValue: 1 },
    default: 50,
    description: "Max number of results to return",
    displayOptions: { show: { resource: ["contact"], operation: ["getAll"], returnAll: [false] } },
  },
  {
    displayName: "Additional Fields",
    name: "additionalFields",
    type: "collection",
    placeholder: "Add Field",
    default: {},
    options: [
      {
        displayName: "Size",
        name: "size",
        type: "options",
        options: [{ name: "Full", value: "full" }, { name: "Preview", value: "preview" }],
        default: "full",
        description: "The whole picture, or a small one",
      },
    ],
    displayOptions: { show: { resource: ["contact"], operation: ["getPicture"] } },
  },
];
