// A program as a user writes it, over the types that openapi-typescript makes of the document with its default options:
// sends a text, waits until it was read, and handles three codes. `URL` and `KEY` say where and as whom.
import type { components, operations } from "./api";

type Message = components["schemas"]["Message"];
type SendText = components["schemas"]["SendText"];
type Sent = operations["send_text"]["responses"]["201"]["content"]["application/json"];
type Failure = {
  [Status in 400 | 401 | 403 | 404 | 409 | 422 | 429 | 500 | 503]: operations["send_text"]["responses"][Status]["content"]["application/json"];
}[400 | 401 | 403 | 404 | 409 | 422 | 429 | 500 | 503];

declare const process: { env: Record<string, string | undefined> };
const url = process.env["URL"] ?? "http://127.0.0.1:8080";
const headers = { Authorization: `Bearer ${process.env["KEY"] ?? ""}`, "Content-Type": "application/json" };

async function send(text: SendText): Promise<Message | undefined> {
  const response = await fetch(`${url}/v1/messages/text`, { method: "POST", headers, body: JSON.stringify(text) });
  const answer = (await response.json()) as Sent | Failure;
  if (answer.success) return answer.data;
  switch (answer.error.code) {
    case "session_not_connected":
      console.error("link the phone first:", answer.error.details?.reason);
      return undefined;
    case "recipient_not_on_whatsapp":
      console.error("nobody there:", text.to);
      return undefined;
    case "rate_limit_exceeded":
      await new Promise((resolve) => setTimeout(resolve, 1000 * (answer.error.details?.retryAfter ?? 1)));
      return send(text);
    default:
      throw new Error(`${answer.error.code}: ${answer.error.message}`);
  }
}

async function untilRead(message: Message): Promise<Message> {
  for (let shown = message; ; ) {
    if (shown.status === "read" || shown.status === "failed") return shown;
    await new Promise((resolve) => setTimeout(resolve, 200));
    const response = await fetch(`${url}/v1/messages/${message.messageId}`, { headers });
    const answer = (await response.json()) as operations["get_message"]["responses"]["200"]["content"]["application/json"];
    shown = answer.data;
  }
}

const session = process.env["SESSION"] ?? "";
const sent = await send({ sessionId: session, to: "15550001001", text: "typed" });
if (sent) console.log((await untilRead(sent)).status);
const nobody = await send({ sessionId: session, to: "15550009999", text: "typed" });
if (nobody) throw new Error("somebody is there");
export {};
