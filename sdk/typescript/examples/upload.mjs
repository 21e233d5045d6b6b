// Uploads a file, shows how far it is, and sends it: WHARF_API_KEY=… node examples/upload.mjs SESSION NUMBER FILE
import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import { Wharf } from "wharf-client";

const wharf = new Wharf({ apiKey: process.env.WHARF_API_KEY, baseUrl: process.env.WHARF_URL });
const [sessionId, to, path] = process.argv.slice(2);
const { mediaId, mediaType } = await wharf.media.upload(await openAsBlob(path), {
  fileName: basename(path),
  onProgress: (sent, total) => console.error(`${sent} of ${total} bytes`),
});
const message = await wharf.messages.sendMedia({ sessionId, to, mediaType, mediaId });
console.log(`${message.messageId} is ${message.status}`);
