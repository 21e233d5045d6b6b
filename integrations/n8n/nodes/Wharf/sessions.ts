import type { ILoadOptionsFunctions, INodePropertyOptions } from "n8n-workflow";
import { wharfRows } from "./transport";

/** The sessions of the account, for the lists of both nodes. */
export async function sessionChoices(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
  const sessions = await wharfRows.call(this, { method: "GET", path: "/v1/sessions" }, 1000);
  return sessions.map(({ name, sessionId, phoneNumber, status }) => ({
    name: `${String(name)} (${String(phoneNumber ?? status)})`,
    value: sessionId as string,
    description: `It is ${String(status)}`,
  }));
}
