// A page that hears what comes in for one session. The key stays here; the page has a token, and another one before it ends.
//
//   WHARF_API_KEY=… WHARF_URL=… node examples/page.mjs SESSION     the operator names this page's origin in server.allowed_origins
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Wharf } from "wharf-client";

const baseUrl = process.env.WHARF_URL ?? "http://127.0.0.1:8080";
const wharf = new Wharf({ apiKey: process.env.WHARF_API_KEY, baseUrl });
const [sessionId] = process.argv.slice(2);

const PAGE = `<!doctype html><meta charset="utf-8"><title>What comes in</title><ul></ul>
<script type="module">
import { listenInPage } from "/wharf-client/index.js";
const baseUrl = ${JSON.stringify(baseUrl)};
const token = async (signal) => (await fetch("/token", { method: "POST", signal })).json();
for await (const event of listenInPage({ baseUrl, token, events: ["message.received"] })) {
  const line = document.createElement("li");
  line.textContent = event.data.text ?? event.data.type;
  document.querySelector("ul").append(line);
}
</script>`;

/**
 * Who may listen is yours to decide: your page's own log-in stands here.
 * @returns {Promise<[string, string | Buffer]>}
 */
async function answer(method, path) {
  if (method === "POST" && path === "/token") return ["application/json", JSON.stringify(await wharf.events.createToken({ sessionId }))];
  const code = /^\/wharf-client\/((?:[a-z]+\/)?[a-z]+\.js)$/.exec(path)?.[1];
  if (code) return ["text/javascript", await readFile(new URL(`../dist/${code}`, import.meta.url))];
  return ["text/html", PAGE];
}

const server = createServer((request, response) => {
  answer(request.method, request.url).then(
    ([type, body]) => response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store" }).end(body),
    (error) => response.writeHead(502).end(String(error)),
  );
});
server.listen(Number(process.env.PORT ?? 8090), "127.0.0.1", () => console.log(`open http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`));
