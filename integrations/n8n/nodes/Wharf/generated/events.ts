// Written by scripts/generate.mjs from the OpenAPI document and scripts/table.mjs. Do not edit.
import type { INodePropertyOptions } from "n8n-workflow";

export const events: INodePropertyOptions[] = [
  { name: "All", value: "*", description: "Each step once, by the event of its own" },
  { name: "Call Ended", value: "call.ended", description: "A call rings no more: it was answered or rejected at another device, or nobody did" },
  { name: "Call Received", value: "call.received", description: "Somebody calls: once for each call" },
  { name: "Group Updated", value: "group.updated", description: "A group changed" },
  { name: "Message Deleted", value: "message.deleted", description: "Somebody deleted a message for everyone" },
  { name: "Message Delivered", value: "message.delivered", description: "The recipient's phone has the message" },
  { name: "Message Edited", value: "message.edited", description: "Somebody edited a message" },
  { name: "Message Failed", value: "message.failed", description: "The message will never arrive" },
  { name: "Message Reaction", value: "message.reaction", description: "Somebody reacted to a message" },
  { name: "Message Read", value: "message.read", description: "The recipient has seen the message" },
  { name: "Message Received", value: "message.received", description: "A message came in" },
  { name: "Message Sent", value: "message.sent", description: "WhatsApp's server has the message" },
  { name: "Message Status", value: "message.status", description: "A sent message reached another status" },
  { name: "Poll Vote", value: "poll.vote", description: "Somebody voted in a poll" },
  { name: "Session Connected", value: "session.connected", description: "The session is connected" },
  { name: "Session Disconnected", value: "session.disconnected", description: "The session lost its link; reason tells why" },
  {
    name: "Session Passkey",
    value: "session.passkey",
    description: "WhatsApp asks for a passkey before it links the phone: one event for each step, failed at an end without a link",
  },
  { name: "Session QR", value: "session.qr", description: "The session shows a QR code" },
  { name: "Session Status", value: "session.status", description: "The session reached another status" },
  { name: "Status Received", value: "status.received", description: "Somebody posted a status; only where the gateway is set to take them" },
  { name: "Usage Warning", value: "usage.warning", description: "80 or 100 per cent of the day's messages are used" },
  { name: "Webhook Disabled", value: "webhook.disabled", description: "A webhook was switched off by its failures" },
  { name: "Webhook Test", value: "webhook.test", description: "A test, sent on request. It stands in no log." },
];
