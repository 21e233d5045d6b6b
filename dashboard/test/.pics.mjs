// Pictures of every page, light, dark and on a narrow screen, of a sandbox in which something has happened.
import { mkdirSync } from "node:fs";
import { enter, enterByKey, open, startBrowser, startSandbox, visit } from "./lib.mjs";

const folder = process.argv[2] ?? "pictures";
mkdirSync(folder, { recursive: true });
const { ready, stop } = await startSandbox(); { const { shim } = await import("/tmp/front/shim.mjs"); ready.url = await shim({...ready}); }
const browser = await startBrowser();

const api = async (method, path, body, key = ready.apiKey) => {
  const response = await fetch(ready.url + path, { method, headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
  const { data, error } = await response.json();
  if (error) throw new Error(`${method} ${path}: ${error.code} ${JSON.stringify(error.details)}`);
  return data;
};
const control = async (path, body) => (await (await fetch(`${ready.controlUrl}/control${path}`, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) })).json()).data;
const connected = async (sessionId) => {
  while ((await api("GET", `/v1/sessions/${sessionId}`)).status !== "connected");
};
async function session(name, phone) {
  const made = await api("POST", "/v1/sessions", { name });
  if (phone) {
    await control(`/scan?phone=${phone}`, made.qr);
    await connected(made.sessionId);
  }
  return made.sessionId;
}

const harbour = `<svg xmlns="http://www.w3.org/2000/svg" width="560" height="340"><rect width="560" height="340" fill="#cfe8f0"/><circle cx="430" cy="84" r="38" fill="#f4c95d"/><path d="M0 210h560v130H0z" fill="#2f7f93"/><path d="M40 210h300v22H40zM70 232h18v90H70zM180 232h18v90h-18zM290 232h18v90h-18z" fill="#6d4c35"/><path d="M380 225h130l-24 40h-84zM440 130v92M440 134l56 70h-56z" fill="#8a2f1f" stroke="#fff" stroke-width="3"/></svg>`;

async function world(page) {
  const shop = await session("Harbour shop", "15550000001");
  const say = (to, text, more = {}) => api("POST", "/v1/messages/text", { sessionId: shop, to, text, ...more });
  const came = async (count) => {
    while ((await api("GET", `/v1/messages?sessionId=${shop}&chatId=15550001003&direction=incoming`)).length < count);
  };
  await control("/phones/15550001003/send", { to: "15550000001", text: "Good morning! Is the ferry to the island running today?" });
  await came(1);
  const asked = await say("15550001003", "Good morning. It is: every full hour until 18:00, from the north quay.");
  await control("/phones/15550001003/send", { to: "15550000001", text: "Perfect. Two tickets for 11:00, please 🙏" });
  await came(2);
  await page.setContent(harbour);
  const picture = (await page.locator("svg").screenshot({ type: "jpeg", quality: 80 })).toString("base64");
  await api("POST", "/v1/messages/media", { sessionId: shop, to: "15550001003", mediaType: "image", data: picture, caption: "This is where she leaves. Look for the red sail." });
  await say("15550001003", "Your tickets: F-1103 and F-1104. See you on board!", { replyTo: asked.messageId });
  await control("/phones/15550001003/react", { id: asked.whatsappId, emoji: "❤️" });
  await api("POST", "/v1/messages/poll", { sessionId: shop, to: "15550001003", question: "Coffee on board?", options: ["Yes, please", "No, thank you"] });
  await say("15550001001", "Does this reach you?");
  await say("15550001002", "Your parcel is at the counter.");
  await api("POST", "/v1/messages/text", { sessionId: shop, to: "15550009999", text: "Hello?" }).catch(() => undefined);
  await api("POST", "/v1/messages/text", { sessionId: shop, to: "15550007463", text: "Hello?" }).catch(() => undefined);
  await session("Customer care", "15550000002");
  const lost = await session("Night desk", "15550000003");
  await control("/phones/15550000003/logout", {});
  while ((await api("GET", `/v1/sessions/${lost}`)).status !== "disconnected");
  const waits = await session("Newsletter");
  const hook = await api("POST", "/v1/webhooks", { url: `${ready.controlUrl}/control/hooks/ok`, events: ["message.received", "message.status"], description: "Tickets" });
  await say("15550001001", "For the webhook");
  await api("POST", "/v1/api-keys", { name: "Till", permissions: ["messages:send"] });
  await api("POST", "/v1/admin/accounts", { name: "Island hotel", plan: "basic" }, ready.operatorKey);
  return { shop, waits, hook: hook.webhookId, lost };
}

const scratch = await open(browser);
const { shop, waits, hook, lost } = await world(scratch.page);
await scratch.context.close();

const pages = {
  start: "start",
  sessions: "sessions",
  link: `sessions/${waits}`,
  trouble: `sessions/${lost}`,
  inbox: "inbox",
  chat: `inbox/${shop}/15550001003`,
  phones: "phones",
  keys: "keys",
  webhooks: "webhooks",
  webhook: `webhooks/${hook}`,
  events: "events",
  docs: "docs",
  operation: "docs/op/send_text",
  error: "docs/error/recipient_not_on_whatsapp",
  usage: "usage",
  people: "people",
  operator: "operator/accounts",
  plans: "operator/plans",
  users: "operator/users",
  whatsapp: "operator/whatsapp",
  audit: "operator/audit",
};
const looks = { light: { colorScheme: "light" }, dark: { colorScheme: "dark" }, narrow: { colorScheme: "light", viewport: { width: 360, height: 740 } } };
let link = ready.dashboard;
for (const [look, options] of Object.entries(looks)) {
  const { context, page } = await open(browser, options);
  await page.goto(`${ready.url}/dashboard/`);
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  await page.screenshot({ path: `${folder}/door-${look}.png` });
  const seen = async (name, at) => {
    await visit(page, at);
    await page.waitForLoadState("networkidle", { timeout: 1_500 }).catch(() => undefined);
    await page.screenshot({ path: `${folder}/${name}-${look}.png` });
  };
  if (link) {
    // The link works once: the first look is the owner's by log-in, the others are by key.
    await enter(page, { ...ready, dashboard: link });
    await seen("people", "people");
    link = undefined;
    await page.getByRole("button", { name: "Sign out" }).evaluate((button) => button.click());
    await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  }
  await enterByKey(page, ready.url, ready.operatorKey);
  for (const [name, at] of Object.entries(pages)) if (name !== "people") await seen(name, at);
  await context.close();
}
await browser.close();
await stop();
