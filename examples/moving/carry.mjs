// Carries names, proxies and webhooks of sessions from WAHA or Evolution API to Wharf. It prints what it would do, and does it with --do.
// Nothing can carry the link to a phone: each is paired again, and its history stays where it is (docs/moving.md).
//
//   FROM_URL=… FROM_KEY=… WHARF_URL=… WHARF_API_KEY=… node carry.mjs waha|evolution [--do] [--webhook OLD=NEW …]
import { fromEvolution, fromWaha } from "./there.mjs";

const [from, ...words] = process.argv.slice(2);
const read = { waha: fromWaha, evolution: fromEvolution }[from];
const { FROM_URL, FROM_KEY, WHARF_URL = "http://127.0.0.1:8080", WHARF_API_KEY } = process.env;
if (!read || !FROM_URL || !FROM_KEY || !WHARF_API_KEY) throw new Error("FROM_URL=… FROM_KEY=… WHARF_URL=… WHARF_API_KEY=… node carry.mjs waha|evolution [--do] [--webhook OLD=NEW …]");
const really = words.includes("--do");
const addresses = new Map(words.filter((_, at) => words[at - 1] === "--webhook").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));

async function wharf(method, path, body) {
  const headers = { Authorization: `Bearer ${WHARF_API_KEY}`, "Content-Type": "application/json" };
  const answer = await fetch(WHARF_URL.replace(/\/+$/, "") + path, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(40_000) });
  const { data, page, error } = await answer.json();
  if (error) throw new Error(`${error.code}: ${error.details?.reason ?? error.message}`);
  return page ? { data, page } : data;
}

async function all(path) {
  const rows = [];
  for (let cursor = ""; cursor !== null; ) {
    const { data, page } = await wharf("GET", `${path}?limit=200${cursor && `&cursor=${cursor}`}`);
    rows.push(...data);
    cursor = page.next;
  }
  return rows;
}

/** Does a step, or says it. A refusal is told and ends nothing: run it again when its cause is gone, what is there is left as it is. */
let refused = 0;
async function step(words, act) {
  if (!really) return void console.log(`would ${words}`);
  try {
    const done = await act();
    console.log(words);
    return done;
  } catch (error) {
    refused++;
    console.log(`could not ${words}: ${error.message}`);
  }
}

const [there, sessions, webhooks] = await Promise.all([read(FROM_URL, FROM_KEY), all("/v1/sessions"), all("/v1/webhooks")]);
for (const { name, proxy, webhooks: wanted, left } of there) {
  let session = sessions.find((one) => one.name === name);
  if (session) console.log(`session ${name} is there: ${session.sessionId}`);
  else session = await step(`make the session ${name}${proxy ? ", with its proxy" : ""}`, () => wharf("POST", "/v1/sessions", { name, ...(proxy && { proxy }) }));
  if (session && session.status !== "connected") console.log(`  pair it: GET /v1/sessions/${session.sessionId}/qr, or POST …/pairing-code`);
  for (const { url: old, events, headers } of wanted) {
    const url = addresses.get(old) ?? old;
    if (events.length === 0) console.log(`  no webhook to ${url}: none of its events is known here`);
    else if (session && webhooks.some((one) => one.url === url && one.sessionId === session.sessionId)) console.log(`  webhook to ${url} is there`);
    else if (session || !really) {
      const made = await step(`  make a webhook to ${url} for ${events.join(", ")}`, () => wharf("POST", "/v1/webhooks", { url, events, sessionId: session.sessionId, ...(Object.keys(headers).length > 0 && { headers }) }));
      if (made) console.log(`    its secret, shown this once: ${made.secret}`);
    }
  }
  for (const thing of left) console.log(`  stays behind: ${thing}`);
}
console.log(`${there.length} sessions; links to phones and the history stay behind: pair each again${really ? "" : "; --do does it"}`);
process.exitCode = refused > 0 ? 1 : 0;
