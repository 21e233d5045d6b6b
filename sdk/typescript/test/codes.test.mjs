// Each of the catalogue's codes for its true cause, as the error that a program catches.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "wharf-client";
import { CODES, Wharf, english, german, hasCode } from "wharf-client";
import { refusal, sandbox, until } from "./harness.mjs";

const CLASSES = {
  authentication: sdk.AuthenticationError,
  session: sdk.SessionError,
  message: sdk.MessageError,
  webhook: sdk.WebhookError,
  rate_limiting: sdk.RateLimitError,
  general: sdk.GeneralError,
  additive: sdk.StateError,
};

const world = await sandbox();
const { operator, control, pair, controlUrl } = world;
// Refusals are what is looked for, so nothing is tried again.
const wharf = world.client({ maxRetries: 0 });
const sessionId = await pair(wharf, "15550000001");
const text = (more) => wharf.messages.sendText({ sessionId, to: "15550001001", text: "x", ...more });
const hook = (url, events = ["message.received"]) => wharf.webhooks.create({ url, events });

const limits = (callsPerMinute, more) => operator.admin.setPlan("tiny", { messagesPerDay: null, callsPerMinute, sessions: null, concurrentRequests: 10, ...more });
await limits(1000);
const { accountId } = await operator.admin.createAccount({ name: "tiny", plan: "tiny" });
const permissions = ["sessions:read", "sessions:write", "messages:read", "messages:send", "account:read"];
const { apiKey } = await operator.admin.createApiKey(accountId, { name: "tiny", permissions });
const tiny = world.client({ apiKey, maxRetries: 0 });

const jpeg = (bytes) => {
  const file = new Uint8Array(bytes);
  file.set([0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 0x4a, 0x46, 0x49, 0x46, 0]);
  return file;
};

/** The refused one of two calls at the same time. */
const oneOf = async (calls) => {
  const refused = (await Promise.allSettled(calls)).find((call) => call.status === "rejected");
  if (refused) throw refused.reason;
};

const WAYS = {
  invalid_api_key: () => world.client({ apiKey: "nonsense", maxRetries: 0 }).account.get(),
  missing_api_key: () => new Wharf({ baseUrl: world.url, maxRetries: 0 }).account.get(),
  expired_api_key: async () => {
    const old = await wharf.keys.create({ name: "old", permissions: ["account:read"], expiresAt: "2020-01-01T00:00:00Z" });
    await world.client({ apiKey: old.apiKey, maxRetries: 0 }).account.get();
  },
  insufficient_permissions: async () => void (await wharf.admin.listPlans()),
  session_not_found: () => wharf.sessions.get(`ses_${"0".repeat(32)}`),
  session_not_connected: async () => text({ sessionId: (await wharf.sessions.create({ name: "unscanned" })).sessionId }),
  session_limit_reached: async () => {
    await limits(1000, { sessions: 0 });
    try {
      await tiny.sessions.create({ name: "one too many" });
    } finally {
      await limits(1000);
    }
  },
  qr_code_expired: async () => {
    await control("POST", "/control/faults", { action: "expire_qr" });
    const { sessionId: late } = await wharf.sessions.create({ name: "late" });
    await until(async () => (await wharf.sessions.get(late)).status === "qr_expired");
    await control("DELETE", "/control/faults");
    await wharf.sessions.getQr(late);
  },
  session_disconnected: async () => {
    const gone = await pair(wharf, "15550000002");
    await wharf.sessions.logout(gone);
    await text({ sessionId: gone });
  },
  invalid_phone_number: () => text({ to: "12ab" }),
  recipient_not_on_whatsapp: () => text({ to: "15550009999" }),
  message_too_long: () => text({ text: "x".repeat(4097) }),
  media_size_exceeded: () => wharf.media.upload(jpeg(5 * 1024 * 1024 + 11), { mediaType: "image" }),
  invalid_media_type: () => wharf.media.upload(new Blob(["no picture"], { type: "image/png" }), { mediaType: "image" }),
  media_url_inaccessible: () => wharf.messages.sendMedia({ sessionId, to: "15550001001", mediaType: "image", mediaUrl: "http://127.0.0.1:9/x.jpg" }),
  message_not_found: () => wharf.messages.get(`msg_${"0".repeat(32)}`),
  message_sending_failed: () => text({ to: "15550007479" }),
  daily_message_limit_reached: async () => {
    const paired = await pair(tiny, "15550000003");
    await limits(1000, { messagesPerDay: 0 });
    try {
      await tiny.messages.sendText({ sessionId: paired, to: "15550001001", text: "x" });
    } finally {
      await limits(1000);
    }
  },
  invalid_webhook_url: () => hook("ftp://example.com/hook"),
  webhook_url_unreachable: () => hook("http://127.0.0.1:19191/hook"),
  webhook_response_timeout: () => hook(`${controlUrl}/control/hooks/slow`),
  invalid_webhook_event: () => hook(`${controlUrl}/control/hooks/ok`, ["message.exploded"]),
  rate_limit_exceeded: async () => {
    await limits(1);
    try {
      await tiny.account.get();
      await tiny.account.get();
    } finally {
      await limits(1000);
    }
  },
  concurrent_request_limit_exceeded: async () => {
    const { sessionId: polled, qr } = await tiny.sessions.create({ name: "polled" });
    await limits(1000, { concurrentRequests: 1 });
    try {
      const poll = () => tiny.sessions.getQr(polled, { wait: 3, known: qr });
      await oneOf([poll(), poll()]);
    } finally {
      await limits(1000);
    }
  },
  invalid_request: async () => void (await wharf.messages.list({ limit: 0 })),
  missing_required_parameter: () => wharf.messages.sendText({}),
  invalid_parameter_type: () => text({ text: 1 }),
  resource_not_found: () => wharf.request("GET", "/v1/nothing"),
  method_not_allowed: () => wharf.request("PUT", "/v1/sessions"),
  internal_server_error: async () => void (await wharf.contacts.check({ sessionId, phoneNumbers: ["15550007500"] })),
  service_unavailable: async () => void (await wharf.contacts.check({ sessionId, phoneNumbers: ["15550007504"] })),
  conflict: () => wharf.sessions.getQr(sessionId),
  idempotency_key_in_use: async () => {
    await control("POST", "/control/faults", { action: "delay_ack", to: "15550001004", delayMs: 3000, times: 1 });
    const send = () => wharf.messages.sendText({ sessionId, to: "15550001004", text: "x" }, { idempotencyKey: "in-use" });
    await oneOf([send(), send()]);
  },
  idempotency_key_reused: async () => {
    for (const words of ["one", "two"]) await wharf.messages.sendText({ sessionId, to: "15550001002", text: words }, { idempotencyKey: "reused" });
  },
  unsupported_operation: async () => {
    const place = await wharf.messages.sendLocation({ sessionId, to: "15550001002", latitude: 1, longitude: 2 });
    await wharf.messages.edit(place.messageId, { text: "x" });
  },
};

test("a way is known to every code of the catalogue", () => {
  assert.deepEqual(Object.keys(WAYS).sort(), Object.keys(CODES).sort());
  assert.equal(Object.keys(CODES).length, 35);
});

for (const [code, facts] of Object.entries(CODES)) {
  test(`${code} is raised as its typed error`, { timeout: 60_000 }, async () => {
    const error = await refusal(WAYS[code]());
    assert.ok(error instanceof CLASSES[facts.group], `${error}`);
    assert.equal(error.code, code);
    assert.ok(hasCode(error, code));
    assert.equal(error.httpStatus, facts.httpStatus);
    assert.equal(error.retryable, facts.retry !== "no");
    assert.match(error.requestId, /^\S+$/);
    assert.equal(error.docs, `${world.url}/docs#error-${code}`);
    if (facts.retry === "after") assert.ok(error.retryAfter >= 1, `${error.retryAfter}`);
    if (code === "message_too_long") assert.deepEqual([error.details.limit, error.details.actual], [4096, 4097]);
    for (const sentences of [english, german]) assert.match(error.friendly(sentences), /^[^{}[\]]+$/);
    const noted = JSON.stringify(error);
    assert.ok(noted.includes(code) && !noted.includes(world.apiKey), noted);
  });
}
