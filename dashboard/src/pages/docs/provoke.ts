// How each code of the catalogue is met for its true cause: by requests that the page sends itself, and by the line for a terminal.
import type { Schemas } from "../../api/client";
import { address } from "../../api/client";
import type { Lab, Told } from "./lab";
import written from "../../../../docs/reference/provoke.md?raw";

type Code = Schemas["ErrorCode"];

export interface Line {
  cause: string;
  line: string;
}

/** The documentation's own page, by code. */
export const LINES: ReadonlyMap<string, Line> = new Map(
  [...written.matchAll(/^### `(\w+)`\n\d+ · `[^`]*` · (.*)\n```sh\n([\s\S]*?)\n```/gm)].map(([, code, cause, line]) => [code!, { cause: cause!, line: line! }]),
);

export interface Way {
  /** It changes a plan, so it needs who may. */
  needsOperator?: boolean;
  run: (lab: Lab) => Promise<Told>;
}

const ECHO = "15550001001";
const text = (sessionId: string, more: Record<string, unknown> = {}) => ({ sessionId, to: ECHO, text: "x", ...more });
const sends = (more: Record<string, unknown>, words: string): Way => ({ run: async (lab) => lab.ask(words, "POST", "v1/messages/text", { body: text(await lab.session(), more) }) });
const asks = (words: string, method: string, path: string, more: Parameters<Lab["ask"]>[3] = {}): Way => ({ run: (lab) => lab.ask(words, method, path, more) });
const hook = (words: string, url: () => string, events = ["message.received"]): Way => ({ run: (lab) => lab.ask(words, "POST", "v1/webhooks", { body: { url: url(), events } }) });
const receiver = (name: string) => address(`sandbox/control/hooks/${name}`).href;
/** The first that was refused; two at a time decide between themselves which. */
const refused = (both: Told[]) => both.find((one) => !one.json.success) ?? both[0]!;
const fresh = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;

export const WAYS: Record<Code, Way> = {
  invalid_api_key: asks("With a key that nobody made", "GET", "v1/account", { as: "nonsense" }),
  missing_api_key: asks("Without a key", "GET", "v1/account", { as: null }),
  expired_api_key: {
    run: async (lab) => {
      const made = await lab.ask("A key that is over already", "POST", "v1/api-keys", { body: { name: "old", permissions: ["account:read"], expiresAt: "2020-01-01T00:00:00Z" } });
      return lab.ask("With that key", "GET", "v1/account", { as: String(made.json.data?.["apiKey"]) });
    },
  },
  insufficient_permissions: {
    run: async (lab) => {
      const made = await lab.ask("A key that may read the account only", "POST", "v1/api-keys", { body: { name: "narrow", permissions: ["account:read"] } });
      return lab.ask("With that key", "GET", "v1/sessions", { as: String(made.json.data?.["apiKey"]) });
    },
  },
  session_not_found: asks("A session that is not there", "GET", `v1/sessions/ses_${"0".repeat(32)}`),
  session_not_connected: { run: async (lab) => lab.ask("A text by a session that waits for its scan", "POST", "v1/messages/text", { body: text((await lab.waiting()).sessionId) }) },
  session_limit_reached: {
    needsOperator: true,
    run: async (lab) => {
      const as = await lab.tiny({ sessions: 0 });
      return lab.ask("One session too many", "POST", "v1/sessions", { body: { name: "one too many" }, as });
    },
  },
  qr_code_expired: {
    run: async (lab) => {
      const mend = await lab.fault({ action: "expire_qr" });
      try {
        const { sessionId } = await lab.waiting();
        await lab.until(sessionId, "qr_expired");
        return await lab.ask("Its code, which nobody scanned in time", "GET", `v1/sessions/${sessionId}/qr`);
      } finally {
        await mend();
      }
    },
  },
  session_disconnected: {
    run: async (lab) => {
      const sessionId = await lab.linked();
      await lab.ask("Its phone unlinks it", "POST", `v1/sessions/${sessionId}/logout`);
      return lab.ask("A text by it", "POST", "v1/messages/text", { body: text(sessionId) });
    },
  },
  invalid_phone_number: sends({ to: "12ab" }, "Letters in a number"),
  recipient_not_on_whatsapp: sends({ to: "15550009999" }, "To a number that is not there"),
  message_too_long: sends({ text: "x".repeat(4097) }, "4097 characters"),
  media_size_exceeded: {
    run: (lab) => lab.ask("A picture of five megabytes and some bytes", "POST", "v1/media", { file: new Blob([new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0]), new Uint8Array(5_242_880)]), query: { mediaType: "image" }, headers: { "Content-Type": "image/jpeg" } }),
  },
  invalid_media_type: { run: (lab) => lab.ask("A text that calls itself a picture", "POST", "v1/media", { file: new Blob(["no picture"]), query: { mediaType: "image" }, headers: { "Content-Type": "image/png" } }) },
  media_url_inaccessible: { run: async (lab) => lab.ask("A picture from where nobody listens", "POST", "v1/messages/media", { body: { sessionId: await lab.session(), to: ECHO, mediaType: "image", mediaUrl: "http://127.0.0.1:9/x.jpg" } }) },
  message_not_found: asks("A message that is not there", "GET", `v1/messages/msg_${"0".repeat(32)}`),
  message_sending_failed: sends({ to: "15550007479" }, "To a number whose messages the network refuses"),
  daily_message_limit_reached: {
    needsOperator: true,
    run: async (lab) => {
      const as = await lab.tiny({ messagesPerDay: 0 });
      return lab.ask("A text", "POST", "v1/messages/text", { body: text(await lab.linked({ as })), as });
    },
  },
  invalid_webhook_url: hook("An address that is not one of the web", () => "ftp://example.com/hook"),
  webhook_url_unreachable: hook("An address where nobody listens", () => "http://127.0.0.1:49151/hook"),
  webhook_response_timeout: hook("A receiver that takes half a minute", () => receiver("slow")),
  invalid_webhook_event: hook("An event that does not exist", () => receiver("ok"), ["message.exploded"]),
  rate_limit_exceeded: {
    needsOperator: true,
    run: async (lab) => {
      const as = await lab.tiny({ callsPerMinute: 1 });
      await lab.ask("The one call of this minute", "GET", "v1/account", { as });
      return lab.ask("A second one", "GET", "v1/account", { as });
    },
  },
  concurrent_request_limit_exceeded: {
    needsOperator: true,
    run: async (lab) => {
      const as = await lab.tiny({});
      const { sessionId, qr } = await lab.waiting({ as });
      await lab.tiny({ concurrentRequests: 1 });
      // Two addresses: a browser asks one of them at a time.
      const poll = (wait: number) => lab.ask("Wait three seconds for its next code", "GET", `v1/sessions/${sessionId}/qr`, { query: { wait, known: qr }, as });
      return refused(await Promise.all([poll(3), poll(4)]));
    },
  },
  invalid_request: asks("A page of no rows", "GET", "v1/messages", { query: { limit: 0 } }),
  missing_required_parameter: asks("A body with nothing in it", "POST", "v1/messages/text", { body: {} }),
  invalid_parameter_type: sends({ text: 1 }, "A number where a text belongs"),
  resource_not_found: asks("A path that is not served", "GET", "v1/nothing"),
  method_not_allowed: asks("A path that knows GET and POST", "PUT", "v1/sessions", { body: {} }),
  internal_server_error: { run: async (lab) => lab.ask("The network answers this number's question with nonsense", "POST", "v1/contacts/check", { body: { sessionId: await lab.session(), phoneNumbers: ["15550007500"] } }) },
  service_unavailable: { run: async (lab) => lab.ask("The network never answers this one; ten seconds", "POST", "v1/contacts/check", { body: { sessionId: await lab.session(), phoneNumbers: ["15550007504"] } }) },
  conflict: { run: async (lab) => lab.ask("The code of a session that is connected", "GET", `v1/sessions/${await lab.session()}/qr`) },
  idempotency_key_in_use: {
    run: async (lab) => {
      const sessionId = await lab.session();
      const mend = await lab.fault({ action: "delay_ack", to: "15550001004", delayMs: 3000, times: 1 });
      const headers = { "Idempotency-Key": fresh() };
      const send = () => lab.ask("One key, at the same time", "POST", "v1/messages/text", { body: text(sessionId, { to: "15550001004" }), headers });
      return refused(await Promise.all([send(), send()]).finally(mend));
    },
  },
  idempotency_key_reused: {
    run: async (lab) => {
      const sessionId = await lab.session();
      const headers = { "Idempotency-Key": fresh() };
      await lab.ask("One text", "POST", "v1/messages/text", { body: text(sessionId, { to: "15550001002", text: "one" }), headers });
      return lab.ask("Another with the same key", "POST", "v1/messages/text", { body: text(sessionId, { to: "15550001002", text: "two" }), headers });
    },
  },
  unsupported_operation: {
    run: async (lab) => {
      const place = await lab.ask("A place", "POST", "v1/messages/location", { body: { sessionId: await lab.session(), to: "15550001002", latitude: 1, longitude: 2 } });
      return lab.ask("An edit of it, which is no text", "PATCH", `v1/messages/${String(place.json.data?.["messageId"])}`, { body: { text: "x" } });
    },
  },
};
