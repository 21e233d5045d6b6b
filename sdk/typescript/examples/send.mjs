// Sends a text, tells a person what went wrong in one sentence, waits until it is there: WHARF_API_KEY=… node examples/send.mjs SESSION NUMBER TEXT
import { Wharf, hasCode } from "wharf-client";

const wharf = new Wharf({ apiKey: process.env.WHARF_API_KEY, baseUrl: process.env.WHARF_URL });

async function sendWhatsAppMessage(sessionId, to, text) {
  try {
    return { success: true, data: await wharf.messages.sendText({ sessionId, to, text }) };
  } catch (error) {
    return { success: false, error: { code: error.code, message: error.friendly?.() ?? String(error) } };
  } }

const [sessionId, to, text] = process.argv.slice(2);
const sent = await sendWhatsAppMessage(sessionId, to, text);
if (sent.success) {
  const read = await wharf.messages.waitUntil(sent.data, "delivered");
  console.log(`${read.messageId} is ${read.status}`);
} else {
  console.log(`${sent.error.code}: ${sent.error.message}`);
}

// The same by hand, where a program does something of its own about a code.
try {
  await wharf.messages.sendText({ sessionId, to: "12ab", text });
} catch (error) {
  if (hasCode(error, "invalid_phone_number")) console.log(`${error.details.field}: ${error.details.reason}`);
  else throw error;
}
