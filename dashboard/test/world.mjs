// A sandbox in which something of everything is there: what pages need to have something to show.

/** The API and the pretend phones' port by plain requests; a refusal is an error. */
export function asker(ready) {
  const api = async (method, path, body, key = ready.apiKey) => {
    const response = await fetch(ready.url + path, { method, headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
    const { data, error } = await response.json();
    if (error) throw new Error(`${method} ${path}: ${error.code} ${JSON.stringify(error.details)}`);
    return data;
  };
  const control = async (path, body) => (await (await fetch(`${ready.controlUrl}/control${path}`, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) })).json()).data;
  return { api, control };
}

/** Waits until a session is in this state. */
export async function until(api, sessionId, status) {
  while ((await api("GET", `/v1/sessions/${sessionId}`)).status !== status);
}

/** Makes a session and has a pretend phone scan it, where one is named. */
export async function session({ api, control }, name, phone) {
  const made = await api("POST", "/v1/sessions", { name });
  if (phone) {
    await control(`/scan?phone=${phone}`, made.qr);
    await until(api, made.sessionId, "connected");
  }
  return made.sessionId;
}

/** Whose habit is to answer with what was said. */
const ECHO = "15550001001";

/** The codes of a session run out after some minutes: it gets new ones. */
export const renew = (ready, world) => asker(ready).api("POST", `/v1/sessions/${world.waits}/restart`);

/** Something of everything: gives the parts of the pages' addresses. `linked` and `chat` name a session and a person in it that are there already. */
export async function furnish(ready, { linked, chat } = {}) {
  const { api, control } = asker(ready);
  const shop = linked ?? (await session({ api, control }, "Harbour shop", "15550000001"));
  if (!chat) await api("POST", "/v1/messages/text", { sessionId: shop, to: ECHO, text: "Does this reach you?" });
  const lost = await session({ api, control }, "Night desk", "15550000003");
  await control("/phones/15550000003/logout", {});
  await until(api, lost, "disconnected");
  const waits = await session({ api, control }, "Newsletter");
  const { webhookId } = await api("POST", "/v1/webhooks", { url: `${ready.controlUrl}/control/hooks/ok`, events: ["message.received", "message.status"], description: "Tickets" });
  await api("POST", "/v1/messages/text", { sessionId: shop, to: ECHO, text: "For the webhook" });
  await api("POST", "/v1/api-keys", { name: "Till", permissions: ["messages:send"] });
  return { linked: shop, chat: chat ?? ECHO, lost, waits, hook: webhookId, tag: "messages", operation: "send_text", code: "recipient_not_on_whatsapp", event: "message.received" };
}
