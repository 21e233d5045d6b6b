import type { IDataObject, IExecuteFunctions, ILoadOptionsFunctions, INodeExecutionData, INodePropertyOptions, INodeType, INodeTypeDescription } from "n8n-workflow";
import { NodeApiError, NodeConnectionTypes, NodeOperationError } from "n8n-workflow";
import { requestOf } from "./fields";
import { operations, properties } from "./generated";
import { sessionChoices } from "./sessions";
import { SPECIAL, withQr } from "./special";
import { toldOf, wharf, wharfRows } from "./transport";

export class Wharf implements INodeType {
  description: INodeTypeDescription = {
    displayName: "Wharf",
    name: "wharf",
    icon: { light: "file:wharf.svg", dark: "file:wharf.dark.svg" },
    group: ["output"],
    version: 1,
    subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
    description: "Send and read WhatsApp messages with Wharf, the self-hosted WhatsApp API",
    defaults: { name: "Wharf" },
    usableAsTool: true,
    inputs: [NodeConnectionTypes.Main],
    outputs: [NodeConnectionTypes.Main],
    credentials: [{ name: "wharfApi", required: true }],
    properties,
  };

  methods = {
    loadOptions: {
      async getSessions(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
        return await sessionChoices.call(this);
      },
    },
  };

  async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
    const items = this.getInputData();
    const returnData: INodeExecutionData[] = [];
    for (let i = 0; i < items.length; i++) {
      try {
        const made = await answersTo.call(this, i);
        returnData.push(...made.map((one) => ({ ...one, pairedItem: { item: i } })));
      } catch (error) {
        const shown = error instanceof NodeApiError || error instanceof NodeOperationError ? error : new NodeOperationError(this.getNode(), error as Error, { itemIndex: i });
        if (!this.continueOnFail()) throw shown;
        returnData.push({ json: toldOf(shown), pairedItem: { item: i } });
      }
    }
    return [returnData];
  }
}

/** What the operation that an item chose answers. */
async function answersTo(this: IExecuteFunctions, i: number): Promise<INodeExecutionData[]> {
  const resource = this.getNodeParameter("resource", i) as string;
  const name = this.getNodeParameter("operation", i) as string;
  const operation = operations[resource]?.[name];
  if (!operation) throw new NodeOperationError(this.getNode(), `There is no operation ${name} of ${resource}`, { itemIndex: i });
  if (operation.by) return await SPECIAL[operation.by].call(this, operation, i);

  const request = requestOf.call(this, operation, i);
  const limit = operation.limited && !(this.getNodeParameter("returnAll", i) as boolean) ? (this.getNodeParameter("limit", i) as number) : Number.POSITIVE_INFINITY;
  if (operation.lists === "pages") return (await wharfRows.call(this, request, limit, i)).map((json) => ({ json }));
  const { data } = await wharf.call(this, request, i);
  if (Array.isArray(data)) return data.slice(0, limit).map((json) => ({ json }));
  return [await withQr.call(this, (data ?? {}) as IDataObject)];
}
