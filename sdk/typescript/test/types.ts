// What TypeScript knows of a program that uses the SDK. Nothing here runs: it is compiled by `npm run check`.
import { Wharf, hasCode, listenInPage, type DryRun, type ErrorCode, type Message, type Page, type SessionEventData, type Sentences } from "wharf-client";
import { verify, type WharfEvent } from "wharf-client/webhooks";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => undefined;

const wharf = new Wharf({ apiKey: "key" });
const text = { sessionId: "ses_1", to: "14155552671", text: "x" };

const sent = await wharf.messages.sendText(text, { wait: 5, idempotencyKey: "mine" });
same<typeof sent, Message>(true);
const would = await wharf.messages.sendText({ ...text, dryRun: true });
same<typeof would, DryRun>(true);
const page = await wharf.messages.list({ limit: 2 });
same<typeof page, Page<Message>>(true);
for await (const message of wharf.messages.list()) same<typeof message, Message>(true);

await new Wharf({ headers: new Headers() }).account.get({ headers: [["X-Team", "a"]] });
await new Wharf({ headers: { "X-Team": "a" } }).account.get();
// @ts-expect-error a header has a value
new Wharf({ headers: [["X-Team"]] });

// @ts-expect-error a text has a recipient
await wharf.messages.sendText({ sessionId: "ses_1", text: "x" });
// @ts-expect-error there is no such member
await wharf.messages.sendText({ ...text, txt: "x" });
// @ts-expect-error a list takes no key of a send
wharf.messages.list({}, { idempotencyKey: "mine" });
// @ts-expect-error whose contacts must be said
await wharf.contacts.list();
// @ts-expect-error no event has this name
wharf.events.listen({ events: ["message.exploded"] });
// @ts-expect-error nobody waits for a message to be queued
await wharf.messages.waitUntil(sent, "queued");

try {
  await wharf.sessions.get("ses_1");
} catch (error) {
  if (hasCode(error, "session_not_found", "rate_limit_exceeded")) {
    same<typeof error.code, "session_not_found" | "rate_limit_exceeded">(true);
    same<typeof error.retryAfter, number | undefined>(true);
  }
}

for await (const event of wharf.events.listen({ events: ["message.received", "session.connected"] })) {
  same<typeof event.event, "message.received" | "session.connected">(true);
  if (event.event === "message.received") same<typeof event.data, Message>(true);
  else same<typeof event.data, SessionEventData>(true);
}
for await (const event of wharf.events.listen()) {
  same<typeof event, WharfEvent>(true);
  if (event.event === "usage.warning") same<typeof event.data.percent, number>(true);
}

for await (const event of listenInPage({ baseUrl: "https://x", token: () => wharf.events.createToken({ sessionId: "ses_1" }), events: ["message.received"] })) {
  same<typeof event.data, Message>(true);
}
// @ts-expect-error the token says whose events they are
listenInPage({ baseUrl: "https://x", token: async () => ({ token: "x" }), sessionId: "ses_1" });

const delivered = await verify("{}", new Headers(), "whsec_");
if (delivered.event === "message.reaction") same<typeof delivered.data, Message>(true);

// @ts-expect-error a table in another language lacks no code
const spanish: Sentences = { invalid_api_key: "…" };
const code: ErrorCode = "conflict";
export { code, spanish };
