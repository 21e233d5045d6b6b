import type { IHookFunctions, ILoadOptionsFunctions, INodePropertyOptions, INodeType, INodeTypeDescription, IWebhookFunctions, IWebhookResponseData } from "n8n-workflow";
import { NodeConnectionTypes } from "n8n-workflow";
import { events } from "../Wharf/generated/events";
import { sessionChoices } from "../Wharf/sessions";
import { create, exists, remove } from "./registration";
import { isRepeat } from "./repeats";
import { isSigned, secrets } from "./signature";

export class WharfTrigger implements INodeType {
  description: INodeTypeDescription = {
    displayName: "Wharf Trigger",
    name: "wharfTrigger",
    icon: { light: "file:../Wharf/wharf.svg", dark: "file:../Wharf/wharf.dark.svg" },
    group: ["trigger"],
    version: 1,
    subtitle: '={{$parameter["events"].join(", ")}}',
    description: "Starts the workflow when something happens in WhatsApp",
    defaults: { name: "Wharf Trigger" },
    inputs: [],
    outputs: [NodeConnectionTypes.Main],
    credentials: [{ name: "wharfApi", required: true }],
    webhooks: [{ name: "default", httpMethod: "POST", responseMode: "onReceived", path: "webhook" }],
    properties: [
      {
        displayName: "Events",
        name: "events",
        type: "multiOptions",
        required: true,
        options: events,
        default: ["message.received"],
        description: "What starts the workflow",
      },
      {
        displayName: "Session Name or ID",
        name: "sessionId",
        type: "options",
        typeOptions: { loadOptionsMethod: "getSessions" },
        default: "",
        description: 'Only this session\'s events; all sessions where it is left empty. Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
      },
      {
        displayName: "Options",
        name: "options",
        type: "collection",
        placeholder: "Add Option",
        default: {},
        options: [
          {
            displayName: "Keep Repeats",
            name: "keepRepeats",
            type: "boolean",
            default: false,
            description: "Whether an event that is delivered a second time starts the workflow a second time. Wharf delivers again where the answer was lost, and where somebody asks for it.",
          },
          {
            displayName: "Largest Delivery (Bytes)",
            name: "maxBytes",
            type: "number",
            typeOptions: { minValue: 4096, maxValue: 4194304 },
            default: 1048576,
            description: "A larger event comes without its largest members, with truncated set",
          },
        ],
      },
    ],
  };

  methods = {
    loadOptions: {
      async getSessions(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
        return [{ name: "All Sessions", value: "" }, ...(await sessionChoices.call(this))];
      },
    },
  };

  webhookMethods = {
    default: {
      async checkExists(this: IHookFunctions): Promise<boolean> {
        return await exists.call(this);
      },
      async create(this: IHookFunctions): Promise<boolean> {
        return await create.call(this);
      },
      async delete(this: IHookFunctions): Promise<boolean> {
        return await remove.call(this);
      },
    },
  };

  async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
    const request = this.getRequestObject();
    const { rawBody } = request as unknown as { rawBody?: Buffer };
    if (!isSigned(rawBody, request.headers, await secrets.call(this))) {
      this.getResponseObject().status(401).send("not signed by Wharf").end();
      return { noWebhookResponse: true };
    }
    const event = this.getBodyData();
    const wanted = this.getNodeParameter("events") as string[];
    // Wharf tests the address while the webhook is made.
    if (event.event === "webhook.test" && !wanted.includes("webhook.test")) return { webhookResponse: "taken" };
    const { keepRepeats = false } = this.getNodeParameter("options", {}) as { keepRepeats?: boolean };
    if (!keepRepeats && isRepeat(`${this.getWorkflow().id}|${this.getNode().id}`, event.eventId as string)) return { webhookResponse: "taken before" };
    return { workflowData: [this.helpers.returnJsonArray(event)] };
  }
}
