// Written by scripts/generate.mjs from the OpenAPI document and scripts/table.mjs. Do not edit.
import type { INodeProperties } from "n8n-workflow";
import type { Operation } from "../operation";
import { chatOperations, chatProperties } from "./chat";
import { contactOperations, contactProperties } from "./contact";
import { groupOperations, groupProperties } from "./group";
import { mediaOperations, mediaProperties } from "./media";
import { messageOperations, messageProperties } from "./message";
import { sessionOperations, sessionProperties } from "./session";
import { webhookOperations, webhookProperties } from "./webhook";

export const operations: Record<string, Record<string, Operation>> = {
  chat: chatOperations,
  contact: contactOperations,
  group: groupOperations,
  media: mediaOperations,
  message: messageOperations,
  session: sessionOperations,
  webhook: webhookOperations,
};

const resource: INodeProperties = {
  displayName: "Resource",
  name: "resource",
  type: "options",
  noDataExpression: true,
  options: [
    { name: "Chat", value: "chat" },
    { name: "Contact", value: "contact" },
    { name: "Group", value: "group" },
    { name: "Media", value: "media" },
    { name: "Message", value: "message" },
    { name: "Session", value: "session" },
    { name: "Webhook", value: "webhook" },
  ],
  default: "message",
};

export const properties: INodeProperties[] = [resource, ...chatProperties, ...contactProperties, ...groupProperties, ...mediaProperties, ...messageProperties, ...sessionProperties, ...webhookProperties];
