import type { GivenHeaders } from "./given.js";
import type { Paged } from "./paging.js";

/** What can be said of any call. */
export interface CallOptions {
  /** Ends the call, also while it waits between two tries; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
  /** Milliseconds that one try may take, from its first byte to the last of its answer. */
  timeoutMs?: number;
  /** How many tries may follow the first one. */
  maxRetries?: number;
  /** Headers besides those of the SDK, in a form that `fetch` takes. */
  headers?: GivenHeaders;
  /** Is told of the answer that the call ends with, where that is a success. */
  onAnswer?: (answer: AnswerFacts) => void;
}

/** What can be said of a call that creates or sends something. */
export interface KeyedOptions extends CallOptions {
  /**
   * 1 to 255 visible ASCII characters. The SDK makes one for each call and keeps it over the call's tries; say your own to be
   * answered the same after a restart of your program too, for 24 hours.
   */
  idempotencyKey?: string;
}

/** What stands around the data of an answer. */
export interface AnswerFacts {
  httpStatus: number;
  /** What Wharf calls the request in its log. */
  requestId: string | undefined;
  /** The answer of an earlier request with the same `Idempotency-Key`: nothing was done anew. */
  replayed: boolean;
  /** How many tries it took. */
  tries: number;
  headers: Headers;
}

export type QueryValue = string | number | boolean | readonly string[] | null | undefined;

/** A request as the transport takes it. */
export interface CallRequest {
  /** The operation's name in the document. */
  id: string;
  method: string;
  /** With the places filled in. */
  path: string;
  query?: Readonly<Record<string, QueryValue>>;
  /** Is sent as JSON. */
  body?: unknown;
  /** Takes an `Idempotency-Key`. */
  keyed?: boolean;
  /** May take as long as a file does. */
  files?: boolean;
  accept?: string;
  /** The answer is read beyond the call: its time limit is for the answer's head alone. */
  streams?: boolean;
  /** Makes the body of one try, where it is no JSON. */
  bytes?: () => Promise<{ body: NonNullable<RequestInit["body"]>; contentType: string; streamed: boolean }>;
  /** Sends in place of the platform\'s `fetch`, where the client was given none. */
  fetch?: typeof globalThis.fetch;
  /** `bytes` can be made only once, so there is no second try. */
  once?: boolean;
}

/** How resources call. */
export interface Call {
  /** The `data` of the envelope. */
  one<T>(request: CallRequest, options: CallOptions): Promise<T>;
  /** A list, page by page. */
  pages<T>(request: CallRequest, options: CallOptions): Paged<T>;
  /** JSON without an envelope. */
  json(request: CallRequest, options: CallOptions): Promise<unknown>;
  text(request: CallRequest, options: CallOptions): Promise<string>;
  /** The answer itself, its body unread. */
  raw(request: CallRequest, options: CallOptions): Promise<Response>;
}

/** A group of operations. */
export class Resource {
  constructor(protected readonly call: Call) {}
}
