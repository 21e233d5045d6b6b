// What the bridge asks of Wharf, and how it knows that a delivery is Wharf's.
import { createHmac, timingSafeEqual } from "node:crypto";

/** Wharf said no, for good: another try would be told the same. */
export class Refused extends Error {}

export class Wharf {
  constructor({ url, key, sessionId }) {
    this.url = url.replace(/\/+$/, "");
    this.key = key;
    this.sessionId = sessionId;
  }

  /** `key` is the `Idempotency-Key`: a repeat with it gets the first answer, and nothing goes out twice. So what has one is tried again, for some two seconds. */
  async call(method, path, { body, bytes, key } = {}) {
    for (let pause = 250; ; pause *= 2) {
      try {
        return await this.#attempt(method, path, { body, bytes, key });
      } catch (error) {
        if (error instanceof Refused || (method !== "GET" && !key) || pause > 1000) throw error;
        await new Promise((done) => setTimeout(done, pause));
      }
    }
  }

  async #attempt(method, path, { body, bytes, key }) {
    const headers = { Authorization: `Bearer ${this.key}` };
    if (key) headers["Idempotency-Key"] = key;
    if (bytes) headers["Content-Type"] = bytes.type || "application/octet-stream";
    else if (body) headers["Content-Type"] = "application/json";
    const answer = await fetch(this.url + path, { method, headers, body: bytes ?? (body && JSON.stringify(body)), signal: AbortSignal.timeout(60_000) });
    const { data, page, error } = await answer.json();
    if (answer.ok) return page ? { data, page } : data;
    const said = `${error.code}: ${error.details?.reason ?? error.message}`;
    // What passes by itself: limits, a busy or restarting server, an earlier try that still runs.
    const passes = answer.status === 429 || answer.status >= 500 || error.code === "idempotency_key_in_use";
    throw passes ? new Error(said) : new Refused(said);
  }

  /** `async`: Wharf answers as soon as it has the message for good, well within the five seconds that Chatwoot waits. */
  send(type, message, key) {
    return this.call("POST", `/v1/messages/${type}`, { key, body: { sessionId: this.sessionId, async: true, ...message } });
  }

  /** A `Blob` that Wharf keeps; `asFile` takes a picture as a document. */
  upload(blob, fileName, asFile, key) {
    const query = new URLSearchParams({ fileName, ...(asFile && { mediaType: "document" }) });
    return this.call("POST", `/v1/media?${query}`, { key, bytes: blob });
  }

  async file(mediaId) {
    const answer = await fetch(`${this.url}/v1/media/${mediaId}`, { headers: { Authorization: `Bearer ${this.key}` }, signal: AbortSignal.timeout(60_000) });
    if (!answer.ok) throw new Error(`the file ${mediaId}: ${answer.status}`);
    return answer.blob();
  }

  /** The webhook that leads to `url`, made where there is none. Wharf tests it at once, so the bridge must be listening. */
  async webhook(url, secret) {
    const events = ["message.received", "message.status"];
    for (let cursor = ""; cursor !== null; ) {
      const { data, page } = await this.call("GET", `/v1/webhooks?limit=100${cursor && `&cursor=${cursor}`}`);
      const there = data.find((webhook) => webhook.url === url && webhook.sessionId === this.sessionId);
      if (there) return there;
      cursor = page.next;
    }
    return this.call("POST", "/v1/webhooks", { body: { url, secret, events, sessionId: this.sessionId, timeoutSeconds: 30, description: "Chatwoot" } });
  }
}

/** By the scheme of Standard Webhooks: HMAC over id, time and the bytes as they came, at most five minutes old. */
export function isWharfs(body, headers, secret, now = Date.now()) {
  const [id, time, signatures] = ["id", "timestamp", "signature"].map((name) => headers[`webhook-${name}`] ?? "");
  if (!(Math.abs(now / 1000 - Number(time)) <= 300)) return false;
  const signed = createHmac("sha256", Buffer.from(secret.replace(/^whsec_/, ""), "base64")).update(`${id}.${time}.`).update(body).digest("base64");
  return signatures.split(" ").some((one) => same(one, `v1,${signed}`));
}

/** Chatwoot's own scheme, of versions that sign: HMAC over time and body, in hexadecimal. */
export function isChatwoots(body, headers, secret, now = Date.now()) {
  const time = headers["x-chatwoot-timestamp"] ?? "";
  if (!(Math.abs(now / 1000 - Number(time)) <= 300)) return false;
  return same(headers["x-chatwoot-signature"] ?? "", `sha256=${createHmac("sha256", secret).update(`${time}.`).update(body).digest("hex")}`);
}

export function same(given, wanted) {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
