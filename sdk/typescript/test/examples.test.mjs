// The examples as their readers run them, and the README's words about them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { folder, remove, sandbox, until } from "./harness.mjs";

const world = await sandbox();
const wharf = world.client();
const sessionId = await world.pair(wharf, "15550000001");
const root = new URL("..", import.meta.url).pathname;

/** Starts an example; `said` is what it printed so far, `ended` its exit code. */
function run(name, args = [], env = {}) {
  const child = spawn(process.execPath, [join(root, "examples", name), ...args], { env: { ...process.env, WHARF_URL: world.url, WHARF_API_KEY: world.apiKey, ...env } });
  after(() => child.kill());
  const example = { said: "", ended: new Promise((done) => child.on("exit", done)), stop: () => child.kill() };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (example.said += text));
  return example;
}

async function finished(example) {
  assert.equal(await example.ended, 0, example.said);
  return example.said;
}

const limit = { timeout: 60_000 };

test("the promised page's example sends in six lines and tells a person what went wrong", limit, async () => {
  const good = await finished(run("send.mjs", [sessionId, "15550002010", "Hello"]));
  assert.match(good, /^msg_\w+ is delivered\nto: .+\n$/);
  assert.deepEqual((await world.shown("15550002010")).length, 1);
  const nobody = await finished(run("send.mjs", [sessionId, "15550009999", "Hello"]));
  assert.match(nobody, /^recipient_not_on_whatsapp: This number is not on WhatsApp\.\n/);
  const away = await finished(run("send.mjs", [`ses_${"0".repeat(32)}`, "15550002010", "Hello"]));
  assert.match(away, /^session_not_found: This WhatsApp number is not set up here\.\n/);
});

test("the example that listens answers what comes in", limit, async () => {
  const example = run("listen.mjs");
  await until(() => example.said.includes("listening\n"));
  const say = (text) => world.control("POST", "/control/phones/15550002011/send", { to: "15550000001", type: "text", text });
  await say("hello");
  await until(async () => (await world.shown("15550002011")).some((message) => JSON.stringify(message).includes("You said: hello")));
  await say("stop");
  assert.match(await finished(example), /15550002011@\S+: hello\n[^]*: stop\n$/);
});

test("the example that links shows a code and ends when the phone has scanned it", limit, async () => {
  const example = run("pair.mjs", ["shop"]);
  await until(() => /[█▀▄]{10}/.test(example.said));
  const linking = /ses_\w+/.exec(example.said)[0];
  await world.control("POST", "/control/scan?phone=15550000005", (await wharf.sessions.getQr(linking)).qr);
  assert.match(await finished(example), /(connected|connecting)\n$/);
});

test("the example that uploads shows how far it is and sends the file", limit, async () => {
  const kept = folder();
  after(() => remove(kept));
  const path = join(kept, "plan.txt");
  writeFileSync(path, "a plan\n");
  assert.match(await finished(run("upload.mjs", [sessionId, "15550002012", path])), /7 of 7 bytes\nmsg_\w+ is (sent|delivered)\n$/);
});

test("the example that receives takes deliveries and refuses strangers", limit, async () => {
  const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
  const example = run("receiver.mjs", [], { SECRET: secret, PORT: "0" });
  const port = await until(() => /listening on (\d+)/.exec(example.said)?.[1]);
  const url = `http://127.0.0.1:${port}/`;
  await wharf.webhooks.create({ url, events: ["session.qr"], secret });
  await until(() => / webhook\.test\n/.test(example.said));
  assert.equal((await fetch(url, { method: "POST", body: "{}" })).status, 400);
  await until(() => example.said.includes("refused: header_missing\n"));
});

test("what the README shows are lines of the examples", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const shown = [...readme.matchAll(/```js example (\S+)\n([^]*?)```/g)];
  assert.ok(shown.length >= 3);
  for (const [, name, lines] of shown) assert.ok(readFileSync(join(root, "examples", name), "utf8").includes(lines.trim()), `${name}: ${lines}`);
});
