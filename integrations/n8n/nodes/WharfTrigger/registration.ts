/** The webhook that Wharf keeps for the node: made when the workflow is switched on, gone when it is switched off. */
import type { IDataObject, IHookFunctions, JsonObject } from "n8n-workflow";
import { NodeApiError } from "n8n-workflow";
import { randomUUID } from "node:crypto";
import { wharf, wharfRows } from "../Wharf/transport";
import { ownSecret } from "./signature";

interface Kept extends IDataObject {
  webhookId?: string;
  secret?: string;
}

interface Wanted {
  url: string;
  events: string[];
  sessionId: string | null;
  maxBytes?: number;
}

function wanted(this: IHookFunctions): Wanted {
  const { maxBytes } = this.getNodeParameter("options", {}) as { maxBytes?: number };
  return {
    url: this.getNodeWebhookUrl("default") as string,
    events: this.getNodeParameter("events") as string[],
    sessionId: (this.getNodeParameter("sessionId") as string) || null,
    ...(maxBytes !== undefined && { maxBytes }),
  };
}

/** Whether Wharf has the webhook as the form wants it. What is at this address and otherwise is removed, and made anew by `create`. */
export async function exists(this: IHookFunctions): Promise<boolean> {
  const kept = this.getWorkflowStaticData("node") as Kept;
  const form = wanted.call(this);
  const all = await wharfRows.call(this, { method: "GET", path: "/v1/webhooks" }, 1000);
  const here = all.filter(({ url }) => url === form.url);
  const good = here.find((one) => one.webhookId === kept.webhookId && kept.secret !== undefined && one.enabled === true && one.sessionId === form.sessionId && same(one.events as string[], form.events));
  for (const { webhookId } of here.filter((one) => one !== good)) await forget.call(this, webhookId as string);
  return good !== undefined;
}

export async function create(this: IHookFunctions): Promise<boolean> {
  const kept = this.getWorkflowStaticData("node") as Kept;
  const secret = await ownSecret.call(this);
  const { sessionId, ...form } = wanted.call(this);
  const description = `n8n: ${this.getWorkflow().name ?? ""}`.slice(0, 200);
  const body = { ...form, ...(sessionId !== null && { sessionId }), secret, description };
  const { data } = await wharf.call(this, { method: "POST", path: "/v1/webhooks", body, key: `n8n-${randomUUID()}` });
  kept.webhookId = (data as IDataObject).webhookId as string;
  kept.secret = secret;
  return true;
}

export async function remove(this: IHookFunctions): Promise<boolean> {
  const kept = this.getWorkflowStaticData("node") as Kept;
  if (kept.webhookId) await forget.call(this, kept.webhookId);
  delete kept.webhookId;
  delete kept.secret;
  return true;
}

/** One that is gone already is gone. */
async function forget(this: IHookFunctions, webhookId: string): Promise<void> {
  try {
    await wharf.call(this, { method: "DELETE", path: `/v1/webhooks/${webhookId}` });
  } catch (error) {
    const shown = new NodeApiError(this.getNode(), error as JsonObject);
    if (shown.httpCode !== "404") throw shown;
  }
}

const same = (some: string[], others: string[]) => some.length === others.length && some.every((one) => others.includes(one));
