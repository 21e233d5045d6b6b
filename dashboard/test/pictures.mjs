// Pictures of every page, light, dark and on a narrow screen, of a sandbox in which something has happened.
import { mkdirSync } from "node:fs";
import { enterAs, open, startBrowser, startSandbox } from "./lib.mjs";
import { pagesOf, see } from "./pages.mjs";
import { asker, furnish, renew, session } from "./world.mjs";

const folder = process.argv[2] ?? "pictures";
mkdirSync(folder, { recursive: true });
const { ready, stop } = await startSandbox();
const browser = await startBrowser();

const { api, control } = asker(ready);

const harbour = `<svg xmlns="http://www.w3.org/2000/svg" width="560" height="340"><rect width="560" height="340" fill="#cfe8f0"/><circle cx="430" cy="84" r="38" fill="#f4c95d"/><path d="M0 210h560v130H0z" fill="#2f7f93"/><path d="M40 210h300v22H40zM70 232h18v90H70zM180 232h18v90h-18zM290 232h18v90h-18z" fill="#6d4c35"/><path d="M380 225h130l-24 40h-84zM440 130v92M440 134l56 70h-56z" fill="#8a2f1f" stroke="#fff" stroke-width="3"/></svg>`;

async function world(page) {
  const shop = await session({ api, control }, "Harbour shop", "15550000001");
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
  await session({ api, control }, "Customer care", "15550000002");
  await api("POST", "/v1/admin/accounts", { name: "Island hotel", plan: "basic" }, ready.operatorKey);
  await api("POST", "/v1/users", { name: "marta", role: "member", password: "a long and quiet password" });
  return furnish(ready, { linked: shop, chat: "15550001003" });
}

const scratch = await open(browser);
const made = await world(scratch.page);
const pages = pagesOf(made);
await scratch.context.close();

const looks = { light: { colorScheme: "light" }, dark: { colorScheme: "dark" }, narrow: { colorScheme: "light", viewport: { width: 360, height: 740 } } };
for (const [look, options] of Object.entries(looks)) {
  const { context, page } = await open(browser, options);
  await page.goto(`${ready.url}/dashboard/`);
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  await page.screenshot({ path: `${folder}/door-${look}.png` });
  await enterAs(page, ready.url, "operator", ready.password);
  await page.mouse.move(0, 0);
  await renew(ready, made);
  for (const one of pages) {
    await see(page, one);
    await page.screenshot({ path: `${folder}/${one.name}-${look}.png` });
  }
  await context.close();
}
await browser.close();
await stop();
