// Answers every text with its own words, until it is told «stop»: WHARF_API_KEY=… node examples/listen.mjs
import { Wharf } from "wharf-client";

const wharf = new Wharf({ apiKey: process.env.WHARF_API_KEY, baseUrl: process.env.WHARF_URL });
const listening = wharf.events.listen({ events: ["message.received", "message.read"] });
await listening.ready;
console.log("listening");

for await (const event of listening) {
  if (event.event === "message.read") {
    console.log(`read: ${event.data.messageId}`);
    continue;
  }
  const { sessionId, chat, messageId, text } = event.data;
  console.log(`${chat.chatId}: ${text}`);
  if (text === "stop") break;
  // The event's id as the key: a program that dies here and hears the event again does not answer twice.
  if (text) await wharf.messages.sendText({ sessionId, to: chat.chatId, text: `You said: ${text}`, replyTo: messageId }, { idempotencyKey: event.eventId });
}
