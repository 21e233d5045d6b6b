/** Whether a delivery is Wharf's, by the scheme of Standard Webhooks. */
import type { IDataObject, IHookFunctions, IWebhookFunctions } from "n8n-workflow";
import { createHmac, timingSafeEqual } from "node:crypto";

/** Seconds that the time of a delivery may be off. */
const TOLERANCE = 300;

/**
 * The secret of this node's webhook, made of its place and the key of the credentials: Wharf tests the address before n8n has kept what `create` tells,
 * and the test must be found good by then.
 */
export async function ownSecret(this: IHookFunctions | IWebhookFunctions): Promise<string> {
  const { apiKey } = await this.getCredentials<{ apiKey: string }>("wharfApi");
  const place = `${this.getWorkflow().id}|${this.getNode().id}`;
  return `whsec_${createHmac("sha256", apiKey).update(place).digest("base64")}`;
}

/** The one that the webhook was made with stays good when the credentials get another key. */
export async function secrets(this: IWebhookFunctions): Promise<string[]> {
  const { secret } = this.getWorkflowStaticData("node") as IDataObject & { secret?: string };
  return [...(secret ? [secret] : []), await ownSecret.call(this)];
}

/** `body` is what came, byte by byte. */
export function isSigned(body: Buffer | undefined, headers: Record<string, string | string[] | undefined>, secrets: string[], now = Date.now()): boolean {
  const [id, time, signatures] = ["id", "timestamp", "signature"].map((name) => String(headers[`webhook-${name}`] ?? ""));
  if (!body || !/^\d{1,12}$/.test(time) || Math.abs(now / 1000 - Number(time)) > TOLERANCE) return false;
  const wanted = secrets.map((secret) => `v1,${createHmac("sha256", Buffer.from(secret.replace(/^whsec_/, ""), "base64")).update(`${id}.${time}.`).update(body).digest("base64")}`);
  return signatures.split(" ").some((given) => wanted.some((one) => same(given, one)));
}

function same(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
