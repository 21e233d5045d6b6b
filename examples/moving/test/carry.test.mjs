// Carrying from small copies of both programs, which answer as their documents say, to a sandbox.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";

/** A server with these answers to GET, for whoever shows the key. */
async function copy(header, answers) {
  const server = createServer((request, response) => {
    const answer = request.headers[header] === "their key" ? answers[request.url] : undefined;
    response.writeHead(answer === undefined ? 401 : 200, { "Content-Type": "application/json" }).end(JSON.stringify(answer ?? {}));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => (server.close(), server.closeAllConnections()));
  return `http://127.0.0.1:${server.address().port}`;
}

const taken = [];
const receiver = createServer((request, response) => {
  taken.push(request.headers);
  request.resume();
  response.writeHead(204).end();
});
await new Promise((done) => receiver.listen(0, "127.0.0.1", done));
after(() => (receiver.close(), receiver.closeAllConnections()));
const hook = `http://127.0.0.1:${receiver.address().port}/`;

const folder = mkdtempSync(join(tmpdir(), "wharf-moving-"));
const sandbox = spawn(process.env.WHARF_SANDBOX_BIN, ["--json", "--quiet", "--port", "0", "--data-dir", folder], { stdio: ["ignore", "pipe", "inherit"] });
const ended = new Promise((done) => sandbox.on("exit", done));
after(async () => (sandbox.kill(), await ended, rmSync(folder, { recursive: true, force: true })));
const { url, apiKey } = JSON.parse(await new Promise((done) => createInterface({ input: sandbox.stdout }).on("line", done)));
const listed = async (path) => (await (await fetch(url + path, { headers: { Authorization: `Bearer ${apiKey}` } })).json()).data;

/** Runs the program; gives what it printed and how it ended. */
async function carry(from, there, ...words) {
  const child = spawn(process.execPath, [new URL("../carry.mjs", import.meta.url).pathname, from, ...words], { env: { ...process.env, FROM_URL: there, FROM_KEY: "their key", WHARF_URL: url, WHARF_API_KEY: apiKey } });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const code = await new Promise((done) => child.on("close", done));
  return { said, code };
}

const limit = { timeout: 60_000 };

test("from WAHA come names and webhooks with their events and headers, once, and what stays is said", limit, async () => {
  const webhooks = [{ url: "http://old.example/hook", events: ["message", "message.ack", "presence.update"], hmac: { key: "k" }, customHeaders: [{ name: "X-Shop", value: "7" }] }];
  const waha = await copy("x-api-key", { "/api/sessions?all=true": [{ name: "shop", status: "WORKING", config: { metadata: { user: "1" }, webhooks } }, { name: "desk", status: "STOPPED", config: null }] });
  const looked = await carry("waha", waha);
  assert.match(looked.said, /would make the session shop[^]*would {3}make a webhook to http:\/\/old\.example\/hook for message\.received, message\.sent[^]*would make the session desk/);
  assert.deepEqual(await listed("/v1/sessions"), []);
  const { said, code } = await carry("waha", waha, "--do", "--webhook", `http://old.example/hook=${hook}`);
  assert.equal(code, 0, said);
  assert.match(said, /stays behind: metadata[^]*stays behind: hmac[^]*stays behind: events that Wharf does not have, of http:\/\/old\.example\/hook: presence\.update/);
  const [webhook, ...others] = await listed("/v1/webhooks");
  assert.deepEqual([webhook.url, webhook.events, webhook.headerNames.map((name) => name.toLowerCase()), others], [hook, ["message.received", "message.sent", "message.delivered", "message.read", "message.failed"], ["x-shop"], []]);
  assert.equal(taken[0]["x-shop"], "7");
  const sessions = await listed("/v1/sessions");
  assert.deepEqual(sessions.map(({ name }) => name).sort(), ["desk", "shop"]);
  assert.equal(webhook.sessionId, sessions.find(({ name }) => name === "shop").sessionId);
  const again = await carry("waha", waha, "--do", "--webhook", `http://old.example/hook=${hook}`);
  assert.match(again.said, /session shop is there[^]*webhook to \S+ is there/);
  assert.equal((await listed("/v1/sessions")).length, 2);
});

test("from Evolution API come names and webhooks, and a refusal is told and ends nothing", limit, async () => {
  const evolution = await copy("apikey", {
    "/instance/fetchInstances": [{ name: "first", Setting: { rejectCall: true, readMessages: false } }, { name: "second", Proxy: { enabled: true, protocol: "socks5", host: "10.0.0.1", port: "1080", username: "a", password: "b" } }],
    "/webhook/find/first": { enabled: true, url: hook, events: ["MESSAGES_UPSERT", "CONTACTS_SET"], headers: null, webhookBase64: true },
    "/webhook/find/second": null,
  });
  const { said, code } = await carry("evolution", evolution, "--do");
  // A sandbox takes no proxy: what could not be made is said.
  assert.equal(code, 1);
  assert.match(said, /make the session first[^]*make a webhook to[^]*stays behind: setting rejectCall[^]*could not make the session second, with its proxy: invalid_request/);
  const names = (await listed("/v1/sessions")).map(({ name }) => name);
  assert.ok(names.includes("first") && !names.includes("second"));
  assert.deepEqual((await listed("/v1/webhooks")).find(({ events }) => events.includes("message.reaction")).events, ["message.received", "message.reaction"]);
});
