// Which operations of Wharf the node offers, under which names. What they take is read from the OpenAPI document by generate.mjs.

/**
 * An operation of the node: its value, its name, the operation of the document, and the line in the node's picker. `skip` leaves parameters out,
 * `top` shows optional ones at once and not under «Add field», `extra` are the node's own, `by` names the code that is not the usual one.
 */
const op = (value, name, operation, action, more = {}) => ({ value, name, operation, action, ...more });

export const RESOURCES = [
  {
    value: "chat",
    name: "Chat",
    operations: [
      op("getAll", "Get Many", "list_chats", "Get many chats"),
      op("markRead", "Mark as Read", "read_chat", "Mark a chat as read"),
      op("setTyping", "Show Typing", "set_typing", "Show typing in a chat"),
    ],
  },
  {
    value: "contact",
    name: "Contact",
    operations: [
      op("block", "Block", "block_contact", "Block a contact"),
      op("check", "Check", "check_contacts", "Check phone numbers"),
      op("get", "Get", "get_contact", "Get a contact"),
      op("getAll", "Get Many", "list_contacts", "Get many contacts"),
      op("getBlocked", "Get Blocked", "list_blocked_contacts", "Get blocked contacts"),
      op("getPicture", "Get Picture", "get_contact_picture", "Get the picture of a contact"),
      op("getPresence", "Get Presence", "get_contact_presence", "Get the presence of a contact"),
      op("unblock", "Unblock", "unblock_contact", "Unblock a contact"),
    ],
  },
  {
    value: "group",
    name: "Group",
    operations: [
      op("changeParticipants", "Change Participants", "change_group_participants", "Change the participants of a group"),
      op("create", "Create", "create_group", "Create a group"),
      op("decideRequests", "Decide Requests", "decide_group_requests", "Decide who may join a group"),
      op("get", "Get", "get_group", "Get a group"),
      op("getAll", "Get Many", "list_groups", "Get many groups"),
      op("getInvite", "Get Invite", "get_group_invite", "Get the invite of a group"),
      op("getRequests", "Get Requests", "list_group_requests", "Get requests to join a group"),
      op("join", "Join", "join_group", "Join a group"),
      op("leave", "Leave", "leave_group", "Leave a group"),
      op("revokeInvite", "Revoke Invite", "revoke_group_invite", "Revoke the invite of a group"),
      op("update", "Update", "update_group", "Update a group"),
    ],
  },
  {
    value: "media",
    name: "Media",
    operations: [
      op("download", "Download", "get_media", "Download a file", { by: "download", extra: ["outputBinary"] }),
      op("upload", "Upload", "upload_media", "Upload a file", { by: "upload", extra: ["inputBinary"] }),
    ],
  },
  {
    value: "message",
    name: "Message",
    operations: [
      op("delete", "Delete", "delete_message", "Delete a message for everyone"),
      op("edit", "Edit", "edit_message", "Edit a message"),
      op("forward", "Forward", "forward_message", "Forward a message"),
      op("get", "Get", "get_message", "Get a message", { skip: ["wait", "until"] }),
      op("getAll", "Get Many", "list_messages", "Get many messages"),
      op("markRead", "Mark as Read", "read_message", "Mark a message as read"),
      op("sendContact", "Send Contact", "send_contact", "Send a contact"),
      op("sendLocation", "Send Location", "send_location", "Send a location"),
      op("sendMedia", "Send Media", "send_media", "Send a file", { by: "sendMedia", skip: ["mediaUrl", "mediaId", "data"], extra: ["source", "inputBinary", "mediaUrl", "mediaId"] }),
      op("sendPoll", "Send Poll", "send_poll", "Send a poll"),
      op("sendReaction", "Send Reaction", "send_reaction", "Send a reaction"),
      op("sendText", "Send Text", "send_text", "Send a text"),
      op("waitFor", "Wait for Status", "get_message", "Wait until a message is delivered or read", { by: "waitFor", skip: ["wait"], top: ["until"], extra: ["timeoutSeconds"] }),
    ],
  },
  {
    value: "session",
    name: "Session",
    operations: [
      op("create", "Create", "create_session", "Create a session"),
      op("createPairingCode", "Create Pairing Code", "create_pairing_code", "Create a pairing code"),
      op("delete", "Delete", "delete_session", "Delete a session"),
      op("get", "Get", "get_session", "Get a session"),
      op("getAll", "Get Many", "list_sessions", "Get many sessions"),
      op("getQr", "Get QR Code", "get_session_qr", "Get the QR code of a session", { skip: ["known"] }),
      op("logout", "Log Out", "logout_session", "Log a session out"),
      op("restart", "Restart", "restart_session", "Restart a session"),
      op("update", "Update", "update_session", "Update a session"),
    ],
  },
  {
    value: "webhook",
    name: "Webhook",
    operations: [
      op("create", "Create", "create_webhook", "Create a webhook"),
      op("delete", "Delete", "delete_webhook", "Delete a webhook"),
      op("get", "Get", "get_webhook", "Get a webhook"),
      op("getAll", "Get Many", "list_webhooks", "Get many webhooks"),
      op("getDeliveries", "Get Deliveries", "list_deliveries", "Get deliveries of a webhook"),
      op("recover", "Recover", "recover_webhook", "Deliver again what was missed"),
      op("retryDelivery", "Retry Delivery", "retry_delivery", "Retry a delivery"),
      op("test", "Test", "test_webhook", "Test a webhook"),
      op("update", "Update", "update_webhook", "Update a webhook"),
    ],
  },
];

/** Names that are not simply the word in the document with capitals. */
export const NAMES = {
  sessionId: "Session Name or ID",
  linkPreview: "Link Preview",
  wait: "Wait (Seconds)",
  timeoutSeconds: "Timeout (Seconds)",
  disappearingSeconds: "Disappearing After (Seconds)",
  maxBytes: "Largest Delivery (Bytes)",
};

/** Parameters whose names mean something else in n8n. */
export const RENAMED = { action: "change" };

/** Words of the document that would say nothing in n8n's form, and those that it lacks. */
export const DESCRIPTIONS = {
  announcement: "Whether only admins send",
  approvalRequired: "Whether admins let in who has the invite code",
  async: "Whether to answer as soon as Wharf keeps the message, instead of waiting for WhatsApp",
  audience: "The people whom a status is for, comma-separated. Only with To set to status.",
  chatId: "A phone number, a group's ID or the chat ID of an answer",
  contactId: "A phone number or a LID",
  contacts: 'Cards as a list: [{"name": "Ada Lovelace", "phoneNumbers": ["+1 555 000 1001"]}]',
  data: "A JPEG in Base64",
  deliveryId: "The delivery, as Get Deliveries names it",
  dryRun: "Whether to say what would happen, and send and count nothing",
  enabled: "Whether events are delivered",
  forwarded: "Whether it is shown as forwarded",
  groupId: "The group, with @g.us at its end or without",
  headers: 'Sent with every delivery and never shown again: {"Authorization": "Bearer …"}',
  linkPreview: "Whether the first link's page says how the link is shown",
  locked: "Whether only admins change subject, description and picture",
  membersCanAdd: "Whether members add others",
  messageId: "The message, by the ID that Wharf gave it (msg_…)",
  options: "What can be chosen, one on each line",
  url: "Where events are delivered: by https and at a public address, unless the operator allows more",
  viewOnce: "Whether an image, a video or a voice note can be opened once only",
  voice: "Whether audio is a voice note, which must be Ogg with Opus",
  wait: "How long the answer may wait",
  webhookId: "The webhook, by the ID that Wharf gave it (whk_…)",
};

/** Lists that people write line by line, since their entries may have commas in them. */
export const BY_LINES = ["options"];

/** What is chosen at first, where that is not the first word of the document. */
export const FIRST = { until: "delivered" };

/** Parameters of the node's own. */
export const EXTRA = {
  source: {
    displayName: "Source",
    type: "options",
    options: [
      { name: "Binary Data", value: "binary" },
      { name: "Media ID", value: "mediaId", description: "A file that Wharf has already" },
      { name: "URL", value: "url" },
    ],
    default: "binary",
    description: "Where the file is",
  },
  inputBinary: { name: "binaryPropertyName", displayName: "Input Binary Field", type: "string", required: true, default: "data", hint: "The name of the input field with the file", when: { source: ["binary"] } },
  mediaUrl: { displayName: "Media URL", type: "string", required: true, default: "", placeholder: "https://example.com/invoice.pdf", description: "Where the file is on the web; Wharf fetches it", when: { source: ["url"] } },
  mediaId: { displayName: "Media ID", type: "string", required: true, default: "", placeholder: "med_…", description: "A file that was uploaded or received", when: { source: ["mediaId"] } },
  outputBinary: { name: "binaryPropertyName", displayName: "Put Output File in Field", type: "string", required: true, default: "data", hint: "The name of the output field for the file" },
  timeoutSeconds: { displayName: "Timeout (Seconds)", type: "number", typeOptions: { minValue: 1 }, default: 60, description: "How long to wait before the item fails" },
};
