// What the bridge asks of Chatwoot: contacts, conversations and messages of one API inbox.

export class Chatwoot {
  constructor({ url, token, accountId, inboxId }) {
    this.base = `${url.replace(/\/+$/, "")}/api/v1/accounts/${accountId}`;
    this.token = token;
    this.inboxId = Number(inboxId);
  }

  async call(method, path, body) {
    const headers = { api_access_token: this.token };
    const form = body instanceof FormData;
    if (body && !form) headers["Content-Type"] = "application/json";
    const answer = await fetch(this.base + path, { method, headers, body: form ? body : body && JSON.stringify(body), signal: AbortSignal.timeout(20_000) });
    if (!answer.ok) throw new Error(`Chatwoot ${method} ${path}: ${answer.status} ${(await answer.text()).slice(0, 200)}`);
    return answer.json();
  }

  /** The contact of a chat and its `source_id` in the inbox; made where there is none. Found by WhatsApp's id, or by the number of a contact that agents made. */
  async contact({ chatId, phoneNumber, name }) {
    const number = phoneNumber && `+${phoneNumber}`;
    const found = (await this.#search(chatId)).find((one) => one.identifier === chatId) ?? (number && (await this.#search(number)).find((one) => one.phone_number === number));
    if (!found) {
      const { payload } = await this.call("POST", "/contacts", { inbox_id: this.inboxId, name: name ?? number ?? chatId, identifier: chatId, ...(number && { phone_number: number }) });
      return { id: payload.contact.id, sourceId: payload.contact_inbox.source_id };
    }
    const inbox = found.contact_inboxes?.find((one) => one.inbox.id === this.inboxId) ?? (await this.call("POST", `/contacts/${found.id}/contact_inboxes`, { inbox_id: this.inboxId }));
    return { id: found.id, sourceId: inbox.source_id };
  }

  async #search(words) {
    return (await this.call("GET", `/contacts/search?q=${encodeURIComponent(words)}`)).payload;
  }

  /** One conversation a chat: the newest there is. Chatwoot opens a resolved one again when a message comes in. */
  async conversation(contact) {
    const { payload } = await this.call("GET", `/contacts/${contact.id}/conversations`);
    const [newest] = payload.filter((one) => one.inbox_id === this.inboxId).sort((a, b) => b.id - a.id);
    return newest?.id ?? (await this.call("POST", "/conversations", { source_id: contact.sourceId, inbox_id: this.inboxId, contact_id: contact.id })).id;
  }

  /** Whether a message of this `source_id` is there, back to `since` (in seconds since 1970). */
  async has(conversation, sourceId, since) {
    for (let before = ""; ; ) {
      const { payload } = await this.call("GET", `/conversations/${conversation}/messages${before && `?before=${before}`}`);
      if (payload.some((message) => message.source_id === sourceId)) return true;
      const [oldest] = [...payload].sort((a, b) => a.id - b.id);
      if (!oldest || oldest.created_at < since || oldest.id === before) return false;
      before = oldest.id;
    }
  }

  /** `file` is `{blob, name}`, where there is one. */
  say(conversation, { content, type, sourceId, file }) {
    const message = { content, message_type: type, source_id: sourceId };
    if (!file) return this.call("POST", `/conversations/${conversation}/messages`, message);
    const form = new FormData();
    for (const [name, value] of Object.entries(message)) form.append(name, value);
    form.append("attachments[]", file.blob, file.name);
    return this.call("POST", `/conversations/${conversation}/messages`, form);
  }

  /** The ticks at an agent's message: `sent`, `delivered`, `read`, or `failed` with why. */
  mark(conversation, message, status, error) {
    return this.call("PATCH", `/conversations/${conversation}/messages/${message}`, { status, ...(error && { external_error: error }) });
  }

  async file(url) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    if (!answer.ok) throw new Error(`Chatwoot's file: ${answer.status}`);
    return answer.blob();
  }
}
