/** The operations that are more than one request with the fields of the form: files, and the wait for a status. */
import type { IDataObject, IExecuteFunctions, INodeExecutionData, JsonObject } from "n8n-workflow";
import { NodeApiError, NodeOperationError } from "n8n-workflow";
import { requestOf } from "./fields";
import type { Operation } from "./operation";
import { wharf, wharfRaw } from "./transport";

type Special = (this: IExecuteFunctions, operation: Operation, item: number) => Promise<INodeExecutionData[]>;

/** Wharf waits for half a minute at the most, so a longer wait is several. */
const LONGEST_WAIT = 30;
/** Seconds that a request with a file may take. */
const FILE_PATIENCE = 310;

const ORDER = ["queued", "sent", "delivered", "read", "played"];

const upload: Special = async function (operation, item) {
  const request = requestOf.call(this, operation, item);
  const field = this.getNodeParameter("binaryPropertyName", item) as string;
  const file = this.helpers.assertBinaryData(item, field);
  const query = { fileName: file.fileName, ...request.query };
  const bytes = await this.helpers.getBinaryDataBuffer(item, field);
  const { data } = await wharf.call(this, { ...request, query, bytes, mimeType: file.mimeType, patience: FILE_PATIENCE }, item);
  return [{ json: data as IDataObject }];
};

const sendMedia: Special = async function (operation, item) {
  const request = requestOf.call(this, operation, item);
  const body: IDataObject = { ...request.body };
  const source = this.getNodeParameter("source", item) as string;
  if (source === "binary") {
    const field = this.getNodeParameter("binaryPropertyName", item) as string;
    const file = this.helpers.assertBinaryData(item, field);
    const bytes = await this.helpers.getBinaryDataBuffer(item, field);
    // As a document a picture may be as large as a document.
    const query = { fileName: (body.fileName as string) ?? file.fileName, ...(body.mediaType === "document" && { mediaType: "document" }) };
    const { data } = await wharf.call(this, { method: "POST", path: "/v1/media", query, bytes, mimeType: file.mimeType, key: `${request.key}-file`, patience: FILE_PATIENCE }, item);
    body.mediaId = (data as IDataObject).mediaId;
    if (body.mediaType === "document") body.fileName ??= file.fileName;
  } else body[source === "url" ? "mediaUrl" : "mediaId"] = this.getNodeParameter(source === "url" ? "mediaUrl" : "mediaId", item) as string;
  const { data } = await wharf.call(this, { ...request, body, patience: FILE_PATIENCE }, item);
  return [{ json: data as IDataObject }];
};

const download: Special = async function (operation, item) {
  const request = requestOf.call(this, operation, item);
  const { body, headers } = await wharfRaw.call(this, { ...request, file: true, patience: FILE_PATIENCE }, item);
  const mimeType = String(headers["content-type"] ?? "application/octet-stream");
  const name = /filename\*=UTF-8''([^;]+)|filename="([^"]+)"/i.exec(String(headers["content-disposition"] ?? ""));
  const fileName = name ? (name[1] ? decodeURIComponent(name[1]) : name[2]) : undefined;
  const binary = await this.helpers.prepareBinaryData(Buffer.from(body as unknown as ArrayBuffer), fileName, mimeType);
  const field = this.getNodeParameter("binaryPropertyName", item) as string;
  return [{ json: { mediaId: this.getNodeParameter("mediaId", item) as string, mimeType, ...(fileName && { fileName }) }, binary: { [field]: binary } }];
};

const waitFor: Special = async function (operation, item) {
  const request = requestOf.call(this, operation, item);
  const until = this.getNodeParameter("until", item) as string;
  const seconds = this.getNodeParameter("timeoutSeconds", item) as number;
  const ends = Date.now() + seconds * 1000;
  for (;;) {
    const left = Math.ceil((ends - Date.now()) / 1000);
    const query = { ...request.query, wait: Math.max(Math.min(left, LONGEST_WAIT), 0) };
    const message = (await wharf.call(this, { ...request, query }, item)).data as IDataObject;
    const status = message.status as string;
    if (status === "failed") {
      const { code, reason } = (message.error ?? {}) as { code?: string; reason?: string };
      const told = { code: code ?? "message_sending_failed", message: "the message failed", ...(reason !== undefined && { reason }), messageId: message.messageId };
      const error = new NodeApiError(this.getNode(), told as JsonObject, { message: `${told.code}: ${told.message}`, description: reason, itemIndex: item });
      Object.assign(error.context, { wharf: told });
      throw error;
    }
    // What came in has no such steps; it is as far as it gets.
    if (status === "received" || ORDER.indexOf(status) >= ORDER.indexOf(until)) return [{ json: message }];
    if (left <= 0) throw new NodeOperationError(this.getNode(), `The message is ${status}, and not ${until} within ${seconds} seconds`, { description: String(message.messageId), itemIndex: item });
  }
};

export const SPECIAL: Record<NonNullable<Operation["by"]>, Special> = { download, sendMedia, upload, waitFor };

/** The picture of a QR code as a file beside its words, so that a mail or a page can show it. */
export async function withQr(this: IExecuteFunctions, data: IDataObject): Promise<INodeExecutionData> {
  const [, base64] = /^data:image\/png;base64,(.+)$/.exec(typeof data.qrCode === "string" ? data.qrCode : "") ?? [];
  if (!base64) return { json: data };
  return { json: data, binary: { qr: await this.helpers.prepareBinaryData(Buffer.from(base64, "base64"), "qr.png", "image/png") } };
}
