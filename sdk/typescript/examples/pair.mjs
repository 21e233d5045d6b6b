// Links a phone from the terminal: WHARF_API_KEY=… node examples/pair.mjs NAME
import { Wharf, hasCode } from "wharf-client";

const wharf = new Wharf({ apiKey: process.env.WHARF_API_KEY, baseUrl: process.env.WHARF_URL });
const session = await wharf.sessions.create({ name: process.argv[2] ?? "phone" });
console.log(session.sessionId);

for (let known = ""; ; ) {
  try {
    const { qr } = await wharf.sessions.getQr(session.sessionId, known ? { known, wait: 25 } : {});
    if (qr !== known) console.log(await (await wharf.sessions.getQrAs(session.sessionId, "text/plain")).text());
    known = qr;
  } catch (error) {
    // A linked session has no code any more.
    if (hasCode(error, "conflict")) break;
    throw error;
  }
}
console.log((await wharf.sessions.get(session.sessionId)).status);
