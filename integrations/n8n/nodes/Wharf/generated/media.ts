// Written by scripts/generate.mjs from the OpenAPI document and scripts/table.mjs. Do not edit.
import type { INodeProperties } from "n8n-workflow";
import type { Operation } from "../operation";

export const mediaOperations: Record<string, Operation> = {
  download: { method: "GET", path: "/v1/media/{mediaId}", by: "download", fields: [{ name: "mediaId", place: "path" }] },
  upload: {
    method: "POST",
    path: "/v1/media",
    by: "upload",
    keyed: true,
    collection: "additionalFields",
    fields: [{ name: "mediaType", place: "query", optional: true }, { name: "fileName", place: "query", optional: true }],
  },
};

export const mediaProperties: INodeProperties[] = [
  {
    displayName: "Operation",
    name: "operation",
    type: "options",
    noDataExpression: true,
    displayOptions: { show: { resource: ["media"] } },
    options: [
      { name: "Download", value: "download", action: "Download a file", description: "Serves a file that was uploaded or received" },
      { name: "Upload", value: "upload", action: "Upload a file", description: "Stores a file that messages can then send by its ID" },
    ],
    default: "upload",
  },
  {
    displayName: "Media ID",
    name: "mediaId",
    type: "string",
    required: true,
    default: "",
    displayOptions: { show: { resource: ["media"], operation: ["download"] } },
  },
  {
    displayName: "Put Output File in Field",
    name: "binaryPropertyName",
    type: "string",
    required: true,
    default: "data",
    hint: "The name of the output field for the file",
    displayOptions: { show: { resource: ["media"], operation: ["download"] } },
  },
  {
    displayName: "Input Binary Field",
    name: "binaryPropertyName",
    type: "string",
    required: true,
    default: "data",
    hint: "The name of the input field with the file",
    displayOptions: { show: { resource: ["media"], operation: ["upload"], source: ["binary"] } },
  },
  {
    displayName: "Additional Fields",
    name: "additionalFields",
    type: "collection",
    placeholder: "Add Field",
    default: {},
    options: [
      { displayName: "File Name", name: "fileName", type: "string", default: "", description: "The file's name, where the body itself carries none" },
      {
        displayName: "Idempotency Key",
        name: "idempotencyKey",
        type: "string",
        default: "",
        description: "A key of your own, such as an order's number: whatever is sent with it goes out once in 24 hours. Left out, the node makes one for each item and execution.",
      },
      {
        displayName: "Media Type",
        name: "mediaType",
        type: "options",
        options: [
          { name: "Audio", value: "audio" },
          { name: "Document", value: "document" },
          { name: "Image", value: "image" },
          { name: "Sticker", value: "sticker" },
          { name: "Video", value: "video" },
        ],
        default: "image",
        description: "What the file is for; told from its bytes otherwise",
      },
    ],
    displayOptions: { show: { resource: ["media"], operation: ["upload"] } },
  },
];
