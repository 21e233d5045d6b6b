// As much of Chatwoot as the bridge uses, by its documents: contacts, conversations and messages of one API inbox, and the webhook that tells of what agents write.
import { createServer } from "node:http";

export async function fakeChatwoot({ token, accountId, inboxId }) {
  const contacts = [];
  const conversations = [];
  const messages = [];
  const files = new Map();
  let ids = 0;
  /** Set by a test: what goes wrong with the next request that it says yes to. */
  const faults = [];

  const withInboxes = (contact) => ({ ...contact, contact_inboxes: contact.sources.map((source_id) => ({ source_id, inbox: { id: inboxId } })) });
  const source = (contact) => {
    const source_id = `source-${++ids}`;
    contact.sources.push(source_id);
    return { source_id, inbox: { id: inboxId } };
  };
  const routes = {
    "GET /contacts/search": ({ query }) => {
      const words = query.get("q");
      return { payload: contacts.filter((one) => [one.name, one.phone_number, one.identifier].some((field) => field?.includes(words))).map(withInboxes) };
    },
    "POST /contacts": ({ body: { inbox_id, ...fields } }) => {
      if (inbox_id !== inboxId) return 404;
      if (contacts.some((one) => ["phone_number", "identifier"].some((name) => fields[name] && one[name] === fields[name]))) return 422;
      const contact = { id: ++ids, ...fields, sources: [] };
      contacts.push(contact);
      const contact_inbox = source(contact);
      return { payload: { contact: withInboxes(contact), contact_inbox } };
    },
    "POST /contacts/:id/contact_inboxes": ({ id }) => source(contacts.find((one) => one.id === id)),
    "GET /contacts/:id/conversations": ({ id }) => ({ payload: conversations.filter((one) => one.contact_id === id) }),
    "POST /conversations": ({ body: { source_id, inbox_id, contact_id } }) => {
      if (!contacts.some((one) => one.id === contact_id && one.sources.includes(source_id))) return 404;
      const conversation = { id: ++ids, inbox_id, contact_id, status: "open" };
      conversations.push(conversation);
      return conversation;
    },
    "GET /conversations/:id/messages": ({ id, query }) => {
      const before = Number(query.get("before") ?? Infinity);
      return { payload: messages.filter((one) => one.conversation === id && one.id < before).slice(-20) };
    },
    "POST /conversations/:id/messages": ({ id, body }) => {
      const { content, message_type, source_id, attachments } = body;
      if (!content && !attachments) return 422;
      const message = { id: ++ids, conversation: id, content, message_type, source_id, attachments, status: "sent", created_at: Math.floor(Date.now() / 1000) };
      messages.push(message);
      return message;
    },
    "PATCH /conversations/:id/messages/:message": ({ id, message, body }) => {
      const there = messages.find((one) => one.conversation === id && one.id === message);
      return there ? Object.assign(there, body) : 404;
    },
  };

  async function bodyOf(request) {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    const type = request.headers["content-type"] ?? "";
    if (!type.startsWith("multipart/form-data")) return bytes.length ? JSON.parse(bytes) : undefined;
    const form = await new Response(bytes, { headers: { "Content-Type": type } }).formData();
    const file = form.get("attachments[]");
    const attachments = [{ name: file.name, bytes: Buffer.from(await file.arrayBuffer()) }];
    return { ...Object.fromEntries([...form].filter(([name]) => name !== "attachments[]")), attachments };
  }

  const server = createServer(async (request, response) => {
    const { pathname, searchParams: query } = new URL(request.url, "http://fake");
    const answer = (status, value) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    const body = await bodyOf(request);
    if (files.has(pathname)) {
      const { type, bytes } = files.get(pathname);
      return response.writeHead(200, { "Content-Type": type }).end(bytes);
    }
    const base = `/api/v1/accounts/${accountId}`;
    if (request.headers.api_access_token !== token || !pathname.startsWith(base)) return answer(401, {});
    const path = pathname.slice(base.length);
    const [first, second] = (path.match(/\d+/g) ?? []).map(Number);
    const pattern = `${request.method} ${path.replace(/\d+/, ":id").replace(/\d+/, ":message")}`;
    const made = routes[pattern]?.({ id: first, message: second, query, body }) ?? 404;
    if (typeof made === "number") return answer(made, { message: "refused" });
    const fault = faults.findIndex((wanted) => wanted(pattern, body));
    // The answer is lost: what was asked for has happened.
    if (fault >= 0) return faults.splice(fault, 1), request.socket.destroy();
    return answer(200, made);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${server.address().port}`;

  /** An agent's message, and the body of the webhook that tells of it. */
  function written(conversation, content, { note = false, attachments = [] } = {}) {
    const { contact_id } = conversations.find((one) => one.id === conversation);
    const { name, identifier, phone_number } = contacts.find((one) => one.id === contact_id);
    const message = { id: ++ids, conversation, content, message_type: "outgoing", status: "sent", created_at: Math.floor(Date.now() / 1000) };
    messages.push(message);
    const told = { event: "message_created", id: message.id, content, message_type: "outgoing", content_type: "text", private: note, source_id: null, attachments };
    return [message, { ...told, inbox: { id: inboxId }, conversation: { id: conversation, inbox_id: inboxId, meta: { sender: { name, identifier, phone_number } } }, account: { id: accountId } }];
  }

  /** A file that an agent attached. */
  function attached(name, file_type, type, bytes) {
    files.set(`/rails/${name}`, { type, bytes });
    return { id: ++ids, file_type, data_url: `${url}/rails/${name}` };
  }
  return { url, contacts, conversations, messages, faults, written, attached, stop: () => (server.close(), server.closeAllConnections()) };
}
