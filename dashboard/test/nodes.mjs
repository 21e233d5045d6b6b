// The dashboard on two nodes of one database, behind a proxy that asks each in turn: `nodes.mjs URL URL OPERATORS_PASSWORD KEY`. Whatever is
// in the database is the same from any node. What only the node of a session knows (its link, a send) is not walked through here.
import assert from "node:assert/strict";
import { Agent, createServer, request } from "node:http";
import { enterAs, open, startBrowser, visit } from "./lib.mjs";

const [one, other, password, key] = process.argv.slice(2);
const PASSWORD = "a long and quiet password";
const PAGES = ["sessions", "keys", "webhooks", "events", "usage", "people", "docs", "operator/accounts", "operator/plans", "operator/users", "operator/whatsapp", "operator/audit"];
const holds = (sentence) => console.log(`holds: ${sentence}`);

/** Each request goes to the next node, with the host that the browser asked. */
async function balance(nodes) {
  const asked = nodes.map(() => 0);
  const agent = new Agent({ keepAlive: true });
  let turn = 0;
  const server = createServer((from, to) => {
    const at = turn++ % nodes.length;
    asked[at] += 1;
    const { hostname, port } = new URL(nodes[at]);
    const onward = request({ agent, hostname, port, method: from.method, path: from.url, headers: from.headers }, (answer) => (to.writeHead(answer.statusCode, answer.headers), answer.pipe(to)));
    onward.on("error", () => to.destroy());
    to.on("close", () => onward.destroy());
    from.pipe(onward);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, asked, end: () => (server.close(), server.closeAllConnections(), agent.destroy()) };
}

const api = async (base, method, path, body, headers = { Authorization: `Bearer ${key}` }) => {
  const response = await fetch(base + path, { method, headers: { ...headers, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
  return { status: response.status, json: await response.json() };
};

const browser = await startBrowser();
const both = await balance([one, other]);
try {
  const { context, page, complaints } = await open(browser);
  await enterAs(page, both.url, "operator", password);
  for (const at of PAGES) {
    await visit(page, at);
    assert.deepEqual(await page.locator("main [role=alert]").allTextContents(), [], at);
  }
  assert.ok(both.asked.every((count) => count > 10), `${both.asked}`);
  holds(`who signed in at one node is known to the other: every page is whole (${both.asked.join(" and ")} requests)`);

  for (const node of [one, other]) assert.equal((await api(node, "GET", "/v1/admin/accounts", undefined, { Cookie: await cookies(context) })).status, 200);
  await visit(page, "events");
  await page.getByText("live", { exact: true }).waitFor({ state: "attached" });
  // Whichever node has the stream: what either writes comes.
  for (const [at, node] of [one, other].entries()) {
    const name = `made at node ${at}`;
    assert.equal((await api(node, "POST", "/v1/sessions", { name })).status, 201);
    const { sessionId } = (await api(node, "GET", `/v1/sessions?name=${encodeURIComponent(name)}`)).json.data[0];
    await page.locator("main", { hasText: sessionId }).waitFor();
  }
  holds("the stream tells what either node wrote");

  await visit(page, "keys");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByLabel("Name").fill("till");
  await page.getByRole("button", { name: "Make the key" }).click();
  const made = await page.locator("[data-secret]").textContent();
  const by = { Authorization: `Bearer ${made}` };
  for (const node of [one, other]) assert.equal((await api(node, "GET", "/v1/sessions", undefined, by)).status, 200);
  await page.getByRole("button", { name: "I have it" }).click();
  holds("a key that was made works at either node");

  assert.equal((await api(one, "POST", "/v1/users", { name: "ada", role: "owner", password: PASSWORD })).status, 201);
  const ada = await open(browser);
  await enterAs(ada.page, both.url, "ada", PASSWORD);
  const stolen = await cookies(ada.context);
  for (const node of [one, other]) assert.equal((await api(node, "GET", "/v1/account", undefined, { Cookie: stolen })).status, 200);
  await ada.page.getByRole("button", { name: "Sign out" }).click();
  await ada.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  for (const node of [one, other]) assert.equal((await api(node, "GET", "/v1/account", undefined, { Cookie: stolen })).status, 401);
  holds("who signs out is out at both");
  assert.deepEqual([...complaints, ...ada.complaints], []);
} finally {
  await browser.close();
  both.end();
}

async function cookies(context) {
  return (await context.cookies(both.url)).map(({ name, value }) => `${name}=${value}`).join("; ");
}
