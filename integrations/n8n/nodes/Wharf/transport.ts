/** How the nodes talk with Wharf: one way for all of them, with the errors of its catalogue. */
import type { IDataObject, IExecuteFunctions, IHookFunctions, IHttpRequestMethods, IHttpRequestOptions, ILoadOptionsFunctions, IN8nHttpFullResponse, INode, JsonObject } from "n8n-workflow";
import { NodeApiError, type NodeOperationError, sleep } from "n8n-workflow";

export type Caller = IExecuteFunctions | IHookFunctions | ILoadOptionsFunctions;

export interface WharfRequest {
  method: IHttpRequestMethods;
  path: string;
  query?: IDataObject;
  body?: IDataObject;
  /** Is sent as it is, in the place of a body of JSON. */
  bytes?: Buffer;
  mimeType?: string;
  /** The `Idempotency-Key`: the same one gets the same answer, and nothing is done twice. */
  key?: string;
  /** The answer is a file. */
  file?: true;
  /** Seconds that the answer may be waited for, besides what the query asks. */
  patience?: number;
}

export interface WharfAnswer {
  data: IDataObject | IDataObject[];
  next: string | null;
}

interface Failure {
  code: string;
  message: string;
  details?: { field?: string; reason?: string; retryAfter?: number; messageId?: string; limit?: number; actual?: number };
}

/** Codes that another try may end. What creates or sends has a key and what has none makes nothing new, so every request may be repeated. */
const PASSING = ["rate_limit_exceeded", "concurrent_request_limit_exceeded", "idempotency_key_in_use", "internal_server_error", "service_unavailable"];
const TRIES = 4;
/** Seconds of a `Retry-After` that an execution still waits for. */
const LONGEST_PAUSE = 15;

/** Calls Wharf and gives what stands in the envelope. */
export async function wharf(this: Caller, request: WharfRequest, itemIndex = 0): Promise<WharfAnswer> {
  const { body } = await wharfRaw.call(this, request, itemIndex);
  const { data, page } = (typeof body === "string" ? JSON.parse(body) : body) as { data: WharfAnswer["data"]; page?: { next: string | null } };
  return { data, next: page?.next ?? null };
}

/** Calls Wharf and gives the answer as it came, for files. */
export async function wharfRaw(this: Caller, request: WharfRequest, itemIndex = 0): Promise<IN8nHttpFullResponse> {
  const { url } = await this.getCredentials<{ url: string }>("wharfApi");
  const options: IHttpRequestOptions = {
    method: request.method,
    url: url.replace(/\/+$/, "") + request.path,
    qs: given(request.query),
    headers: { Accept: request.file ? "*/*" : "application/json" },
    timeout: ((request.patience ?? 40) + Number(request.query?.wait ?? 0)) * 1000,
    returnFullResponse: true,
    // Refusals are read here, where the request's id is still at hand.
    ignoreHttpStatusErrors: true,
  };
  if (request.key) options.headers = { ...options.headers, "Idempotency-Key": request.key };
  if (request.bytes) {
    options.body = request.bytes;
    options.headers = { ...options.headers, "Content-Type": request.mimeType ?? "application/octet-stream" };
  } else if (request.file) options.encoding = "arraybuffer";
  else {
    options.json = true;
    if (request.body) options.body = request.body;
  }

  for (let tries = 1; ; tries++) {
    let answer: IN8nHttpFullResponse;
    try {
      answer = (await this.helpers.httpRequestWithAuthentication.call(this, "wharfApi", options)) as IN8nHttpFullResponse;
    } catch (error) {
      if (tries < TRIES) {
        await sleep(250 * 2 ** tries);
        continue;
      }
      const said = (error as Error).message;
      throw new NodeApiError(this.getNode(), { message: said }, { message: "Wharf was not reached", description: said, itemIndex });
    }
    if (answer.statusCode < 300) return answer;
    const failure = failureIn(answer.body);
    const pause = Number(answer.headers["retry-after"] ?? 2 ** tries / 4);
    if (tries < TRIES && failure && PASSING.includes(failure.code) && pause <= LONGEST_PAUSE) await sleep(pause * 1000);
    else throw refusal(this.getNode(), answer, failure, itemIndex);
  }
}

/** Every row of a list, or as many as are wanted. */
export async function wharfRows(this: Caller, request: WharfRequest, limit: number, itemIndex = 0): Promise<IDataObject[]> {
  const rows: IDataObject[] = [];
  for (let cursor: string | null = null; rows.length < limit; ) {
    const query: IDataObject = { ...request.query, limit: Math.min(limit - rows.length, 200), cursor };
    const { data, next } = await wharf.call(this, { ...request, query }, itemIndex);
    rows.push(...(data as IDataObject[]));
    if (next === null) break;
    cursor = next;
  }
  return rows;
}

/** A refusal as n8n shows it: the code first, then why, where, and what Wharf's log calls the request. */
function refusal(node: INode, answer: IN8nHttpFullResponse, failure: Failure | undefined, itemIndex: number): NodeApiError {
  const requestId = String(answer.headers["x-request-id"] ?? "");
  if (!failure) {
    const message = `Something that is not Wharf answered ${answer.statusCode}`;
    return new NodeApiError(node, { status: answer.statusCode }, { message, description: "Check the URL of the credentials", httpCode: String(answer.statusCode), itemIndex });
  }
  const { code, message, details = {} } = failure;
  const said: Array<[string, unknown]> = [["Reason", details.reason], ["Field", details.field], ["Message", details.messageId], ["Limit", details.limit], ["Was", details.actual], ["Request ID", requestId || undefined]];
  const description = said.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${String(value)}`);
  const error = new NodeApiError(node, { ...failure, requestId } as unknown as JsonObject, { message: `${code}: ${message}`, description: description.join(". "), httpCode: String(answer.statusCode), itemIndex });
  Object.assign(error.context, { wharf: { code, message, ...(details.reason !== undefined && { reason: details.reason }), details: details as IDataObject, httpStatus: answer.statusCode, requestId } });
  return error;
}

function failureIn(body: unknown): Failure | undefined {
  try {
    const parsed = (typeof body === "string" || Buffer.isBuffer(body) ? JSON.parse(body.toString()) : body instanceof ArrayBuffer ? JSON.parse(Buffer.from(body).toString()) : body) as { error?: Failure };
    return typeof parsed?.error?.code === "string" ? parsed.error : undefined;
  } catch {
    return undefined;
  }
}

/** What an item tells that failed and goes on. n8n leads items with these two members, and no other, to the output of errors where a node has one. */
export function toldOf(error: NodeApiError | NodeOperationError): IDataObject {
  const told = error.context.wharf as IDataObject | undefined;
  return { message: error.message, error: told ?? { message: error.message, ...(error.description && { reason: error.description }) } };
}

/** Without what was not given: an empty parameter is an absent one. */
const given = (query: IDataObject = {}): IDataObject => Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== ""));
