// Written by scripts/generate.mjs from the OpenAPI document and scripts/table.mjs. Do not edit.
import type { INodeProperties } from "n8n-workflow";
import type { Operation } from "../operation";

export const chatOperations: Record<string, Operation> = {
  getAll: { method: "GET", path: "/v1/chats", lists: "pages", limited: true, fields: [{ name: "sessionId", place: "query" }] },
  markRead: { method: "POST", path: "/v1/chats/{chatId}/read", fields: [{ name: "sessionId", place: "body" }, { name: "chatId", place: "path" }] },
  setTyping: {
    method: "POST",
    path: "/v1/chats/{chatId}/typing",
    fields: [{ name: "sessionId", place: "body" }, { name: "chatId", place: "path" }, { name: "status", place: "body" }],
  },
};

export const chatProperties: INodeProperties[] = [
  {
    displayName: "Operation",
    name: "operation",
    type: "options",
    noDataExpression: true,
    displayOptions: { show: { resource: ["chat"] } },
    options: [
      { name: "Get Many", value: "getAll", action: "Get many chats", description: "Lists the chats, the one with the newest message first" },
      { name: "Mark as Read", value: "markRead", action: "Mark a chat as read", description: "Marks a chat as read and tells the senders" },
      {
        name: "Show Typing",
        value: "setTyping",
        action: "Show typing in a chat",
        description: "Shows in a chat that somebody types or records; it ends by itself",
      },
    ],
    default: "getAll",
  },
  {
    displayName: "Session Name or ID",
    name: "sessionId",
    type: "options",
    required: true,
    typeOptions: { loadOptionsMethod: "getSessions" },
    default: "",
    description: "Choose from the list, or specify an ID using an <a href=\"https://docs.n8n.io/code/expressions/\">expression</a>",
    displayOptions: { show: { resource: ["chat"], operation: ["getAll", "markRead", "setTyping"] } },
  },
  {
    displayName: "Return All",
    name: "returnAll",
    type: "boolean",
    default: false,
    description: "Whether to return all results or only up to a given limit",
    displayOptions: { show: { resource: ["chat"], operation: ["getAll"] } },
  },
  {
    displayName: "Limit",
    name: "limit",
    type: "number",
    typeOptions: { minValue: 1 },
    default: 50,
    description: "Max number of results to return",
    displayOptions: { show: { resource: ["chat"], operation: ["getAll"], returnAll: [false] } },
  },
  {
    displayName: "Chat ID",
    name: "chatId",
    type: "string",
    required: true,
    default: "",
    description: "A phone number, a group's ID or the chat ID of an answer",
    displayOptions: { show: { resource: ["chat"], operation: ["markRead", "setTyping"] } },
  },
  {
    displayName: "Status",
    name: "status",
    type: "options",
    required: true,
    options: [{ name: "Paused", value: "paused" }, { name: "Recording", value: "recording" }, { name: "Typing", value: "typing" }],
    default: "typing",
    description: "What the person in the chat sees; paused ends it",
    displayOptions: { show: { resource: ["chat"], operation: ["setTyping"] } },
  },
];
