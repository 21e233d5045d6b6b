// A bridge between one session of Wharf and one API inbox of Chatwoot. It keeps nothing: whatever is repeated, on either side and over restarts, is known again by its id.
// docs/chatwoot.md says how to set it up.
import { createServer } from "node:http";
import { Chatwoot } from "./chatwoot.mjs";
import { Refused, Wharf, isChatwoots, isWharfs, same } from "./wharf.mjs";
import { toChatwoot, toWhatsApp } from "./words.mjs";

const { env } = process;
for (const name of ["WHARF_API_KEY", "WHARF_SESSION_ID", "WHARF_WEBHOOK_SECRET", "BRIDGE_TOKEN", "CHATWOOT_URL", "CHATWOOT_TOKEN", "CHATWOOT_ACCOUNT_ID", "CHATWOOT_INBOX_ID"]) {
  if (!env[name]) throw new Error(`${name} is missing`);
}
const wharf = new Wharf({ url: env.WHARF_URL ?? "http://127.0.0.1:8080", key: env.WHARF_API_KEY, sessionId: env.WHARF_SESSION_ID });
const chatwoot = new Chatwoot({ url: env.CHATWOOT_URL, token: env.CHATWOOT_TOKEN, accountId: env.CHATWOOT_ACCOUNT_ID, inboxId: env.CHATWOOT_INBOX_ID });

/** What a chat waits for: two events of one chat at a time would make two contacts. */
const chats = new Map();
function inTurn(chat, work) {
  const turn = (chats.get(chat) ?? Promise.resolve()).then(work, work);
  chats.set(chat, turn);
  const done = () => chats.get(chat) === turn && chats.delete(chat);
  turn.then(done, done);
  return turn;
}

/** An event of Wharf's. Whatever throws here is answered 500, and Wharf delivers it again. */
async function fromWharf({ event, data }) {
  if (event !== "message.received" && event !== "message.status") return;
  const [mark, conversation, message] = (data.reference ?? "").split(":");
  if (mark === "chatwoot") return ticks(conversation, message, data);
  if (data.direction === "outgoing" && !data.fromOtherDevice) return; // Another program of the account's sent it.
  if (data.mediaStatus === "pending") return; // Another `message.status` tells when the file is there.
  if (data.direction === "outgoing" && data.status !== "sent" && !data.mediaId) return;
  const content = toChatwoot(data);
  if (!content && !data.mediaId) return;
  await inTurn(data.chat.chatId, async () => {
    const name = data.chat.name ?? (data.direction === "incoming" && !data.chat.chatId.endsWith("@g.us") ? data.from?.name : undefined);
    const contact = await chatwoot.contact({ ...data.chat, name });
    const conversation = await chatwoot.conversation(contact);
    if (await chatwoot.has(conversation, data.messageId, Date.parse(data.createdAt) / 1000 - 60)) return;
    const file = data.mediaStatus === "stored" && { blob: await wharf.file(data.mediaId), name: data.fileName ?? `${data.type}.${(data.mimeType ?? "").split(/[/;]/)[1] ?? "bin"}` };
    await chatwoot.say(conversation, { content, type: data.direction, sourceId: data.messageId, file });
    console.log(`${data.messageId} -> conversation ${conversation}`);
  });
}

/** How far an agent's message has come. */
async function ticks(conversation, message, { status, error }) {
  const known = { delivered: "delivered", read: "read", played: "read", failed: "failed" }[status];
  if (known) await chatwoot.mark(conversation, message, known, error && `${error.code}: ${error.reason ?? ""}`);
}

/** A webhook of Chatwoot's: what agents write goes out. */
async function fromChatwoot({ event, id, message_type, private: note, source_id, content, attachments = [], inbox, conversation, account }) {
  if (event !== "message_created" || note || source_id || Number(inbox?.id) !== chatwoot.inboxId) return; // With a `source_id` it is the bridge's own.
  if (message_type !== "outgoing" && message_type !== 1) return;
  const { identifier, phone_number } = conversation.meta.sender;
  const to = identifier?.includes("@") ? identifier : phone_number;
  const reference = `chatwoot:${conversation.id}:${id}`;
  const key = (part) => `chatwoot-${account.id}-${id}-${part}`;
  try {
    if (!to) throw new Refused("the contact has no phone number");
    let words = toWhatsApp(content);
    for (const [part, { file_type, data_url }] of attachments.entries()) {
      const fileName = decodeURIComponent(new URL(data_url).pathname.split("/").pop()) || "file";
      const { mediaId, mediaType } = await wharf.upload(await chatwoot.file(data_url), fileName, file_type === "file", key(`file${part}`));
      const captioned = words && words.length <= 1024 && mediaType !== "audio" && mediaType !== "sticker";
      await wharf.send("media", { to, mediaId, mediaType, reference, ...(captioned && { caption: words }), ...(mediaType === "document" && { fileName }) }, key(part));
      if (captioned) words = "";
    }
    if (words) await wharf.send("text", { to, text: words, reference }, key("text"));
    console.log(`message ${id} of conversation ${conversation.id} is taken`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await chatwoot.mark(conversation.id, id, "failed", error.message);
  }
}

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const answer = (status) => response.writeHead(status).end();
  try {
    if (request.method === "POST" && request.url === "/wharf") {
      if (!isWharfs(body, request.headers, env.WHARF_WEBHOOK_SECRET)) return answer(400);
      await fromWharf(JSON.parse(body));
    } else if (request.method === "POST" && same(request.url, `/chatwoot/${env.BRIDGE_TOKEN}`)) {
      if (env.CHATWOOT_WEBHOOK_SECRET && !isChatwoots(body, request.headers, env.CHATWOOT_WEBHOOK_SECRET)) return answer(400);
      await fromChatwoot(JSON.parse(body));
    } else return answer(404);
    answer(204);
  } catch (error) {
    console.error(`${request.url.split("/")[1]}: ${error.message}`);
    answer(500);
  }
});
server.listen(Number(env.PORT ?? 9100), env.HOST ?? "127.0.0.1", async () => {
  const own = env.BRIDGE_URL ?? `http://127.0.0.1:${server.address().port}`;
  const { webhookId } = await wharf.webhook(`${own}/wharf`, env.WHARF_WEBHOOK_SECRET);
  console.log(`listening on ${server.address().port}, ${webhookId} brings what comes in; Chatwoot's callback is ${own}/chatwoot/BRIDGE_TOKEN`);
});
