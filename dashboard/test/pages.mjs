// Every page that the dashboard can show, once: whatever looks at all of them reads it here. `missing` says what is linked and not in it.
import { strict as assert } from "node:assert";
import { quiet, visit } from "./lib.mjs";

/** By name; a part with a colon stands for something of the world that `furnish` makes. */
const PAGES = {
  start: "start",
  sessions: "sessions",
  session: "sessions/:linked",
  link: "sessions/:waits",
  trouble: "sessions/:lost",
  inbox: "inbox",
  chats: "inbox/:linked",
  chat: "inbox/:linked/:chat",
  phones: "phones",
  keys: "keys",
  webhooks: "webhooks",
  webhook: "webhooks/:hook",
  events: "events",
  docs: "docs",
  tag: "docs/tag/:tag",
  operation: "docs/op/:operation",
  errors: "docs/errors",
  error: "docs/error/:code",
  "events-told": "docs/events",
  event: "docs/event/:event",
  usage: "usage",
  people: "people",
  operator: "operator",
  accounts: "operator/accounts",
  plans: "operator/plans",
  users: "operator/users",
  nodes: "operator/nodes",
  queues: "operator/queues",
  whatsapp: "operator/whatsapp",
  audit: "operator/audit",
};

/** Where something is wrong with what is shown, and the page says so. */
const TELLS = new Set(["link", "trouble"]);

/** The same with the things of a world: names and the parts of their addresses. */
export const pagesOf = (world) =>
  Object.entries(PAGES).map(([name, address]) => {
    const at = address.split("/").map((part) => (part.startsWith(":") ? world[part.slice(1)] : part));
    assert.ok(at.every(Boolean), `${address}: the world has none`);
    return { name, at, tells: TELLS.has(name) };
  });

const shapes = Object.values(PAGES).map((address) => new RegExp(`^${address.replace(/:\w+/g, "[^/]+")}$`));

/** What the shown page leads to and the list does not name. */
export async function missing(page) {
  const links = await page.locator('a[href*="#/"]').evaluateAll((all) => all.map((one) => one.getAttribute("href").replace(/^.*?#\/?/, "").replace(/\?.*/, "")));
  return [...new Set(links)].filter((link) => link && !shapes.some((shape) => shape.test(link)));
}

/** Goes there, and makes sure that it is this page and no other that is shown, with all that it asked for and nothing that was refused. */
export async function see(page, { at, tells }) {
  await visit(page, ...at);
  const own = at[0] === "operator" && at.length > 1 ? `nav.tabs a[href="#/${at.join("/")}"]` : `.side nav a[href="#/${at[0]}"]`;
  await page.locator(`${own}[aria-current="page"]`).waitFor({ state: "attached" });
  await quiet(page);
  if (!tells) assert.deepEqual(await page.locator("main [role=alert]").allTextContents(), [], at.join("/"));
}
