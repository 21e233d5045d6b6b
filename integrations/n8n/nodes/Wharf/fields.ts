/** From the form of an item to a request. */
import type { IDataObject, IExecuteFunctions } from "n8n-workflow";
import { NodeOperationError } from "n8n-workflow";
import { createHash, randomUUID } from "node:crypto";
import type { Field, Operation } from "./operation";
import type { WharfRequest } from "./transport";

/** What the form says: path filled in, query and body. A text that was left empty is left out, but in an update, where it may take something away. */
export function requestOf(this: IExecuteFunctions, operation: Operation, item: number): WharfRequest {
  const { method, path, collection, fields, keyed } = operation;
  const chosen = collection ? (this.getNodeParameter(collection, item, {}) as IDataObject) : {};
  const request: WharfRequest & { query: IDataObject } = { method, path, query: {} };
  const body: IDataObject = {};
  for (const field of fields) {
    const value = field.optional ? chosen[field.name] : this.getNodeParameter(field.name, item);
    if (value === undefined || (value === "" && field.optional && collection !== "updateFields")) continue;
    const made = madeOf.call(this, field, value, item);
    const name = field.wire ?? field.name;
    if (field.place === "path") request.path = request.path.replace(`{${name}}`, encodeURIComponent(String(made)));
    else if (field.place === "query") request.query[name] = made;
    else body[name] = made;
  }
  if (fields.some(({ place }) => place === "body")) request.body = body;
  if (keyed) request.key = (chosen.idempotencyKey as string) || keyOf.call(this, item);
  return request;
}

function madeOf(this: IExecuteFunctions, { name, kind }: Field, value: unknown, item: number): IDataObject[string] {
  switch (kind) {
    case "commas":
    case "lines":
      // An expression may give the list itself.
      return typeof value === "string" ? value.split(kind === "lines" ? "\n" : /[,;\n]/).map((one) => one.trim()).filter((one) => one !== "") : (value as string[]);
    case "json":
      try {
        return (typeof value === "string" ? JSON.parse(value) : value) as IDataObject;
      } catch (error) {
        throw new NodeOperationError(this.getNode(), `${name} is not valid JSON`, { description: (error as Error).message, itemIndex: item });
      }
    case "time": {
      const time = new Date(String(value));
      if (Number.isNaN(time.getTime())) throw new NodeOperationError(this.getNode(), `${name} is not a time: ${String(value)}`, { itemIndex: item });
      return time.toISOString();
    }
    default:
      return value as IDataObject[string];
  }
}

/**
 * A key for this item of this run of this node in this execution. n8n's own «Retry On Fail» runs the node again with the same ones, and so what an
 * earlier try has sent is not sent again. A new execution has others.
 */
export function keyOf(this: IExecuteFunctions, item: number, part = ""): string {
  const execution = this.getExecutionId();
  if (!execution) return `n8n-${randomUUID()}`;
  const run = this.getWorkflowDataProxy(item).$runIndex as number;
  const places = [this.getInstanceId(), this.getWorkflow().id, execution, this.getNode().id, run, item, part];
  return `n8n-${createHash("sha256").update(places.join("|")).digest("hex").slice(0, 40)}`;
}
