import {
  CODES,
  type AdditiveCode,
  type AuthenticationCode,
  type CodeGroup,
  type GeneralCode,
  type MessageCode,
  type RateLimitingCode,
  type Retry,
  type SessionCode,
  type WebhookCode,
} from "./generated/errors.js";
import type { Details, ErrorBody, ErrorCode, Message } from "./generated/types.js";
import { english, sentence, type Sentences } from "./sentences.js";

/** Everything that the SDK throws itself. */
export abstract class WharfError extends Error {
  override readonly name: string = "WharfError";
  /** A code of the catalogue, or `network_error`, `wait_timeout` or `configuration_error` of the SDK's own. */
  abstract readonly code: string;
  /** The operation that was called, by its name in the document. */
  operation = "";
  /** How many tries were made. */
  tries = 1;

  /** One sentence for the person in front of your program; `sentences` is English unless you give another table. */
  friendly(sentences: Sentences = english): string {
    return sentence(sentences, this.code, {});
  }
}

/** Wharf refused, with a code of its catalogue. Each group of codes has a class of its own below. */
export class ApiError<C extends ErrorCode = ErrorCode> extends WharfError {
  override readonly name: string = "ApiError";
  readonly code: C;
  readonly httpStatus: number;
  /** Which field, why, which limit; members that do not apply are absent. */
  readonly details: Details;
  /** What Wharf calls the request in its log. */
  readonly requestId: string | undefined;
  /** Seconds to wait before the next try, where Wharf names them. */
  readonly retryAfter: number | undefined;
  /** When the same request can succeed. */
  readonly retry: Retry;
  /** The code's entry of the catalogue. */
  readonly docs: string;
  /** What to do about it, for whoever writes the program. */
  readonly fix: string;

  constructor(error: ErrorBody & { code: C }, facts: { httpStatus: number; requestId?: string | undefined; retryAfter?: number | undefined; docs: string }) {
    const reason = error.details?.reason;
    super(`${error.code}: ${error.message}${reason ? ` (${reason})` : ""}`);
    this.code = error.code;
    this.details = error.details ?? {};
    this.httpStatus = facts.httpStatus;
    this.requestId = facts.requestId;
    this.retryAfter = error.details?.retryAfter ?? facts.retryAfter;
    this.docs = facts.docs;
    // A newer Wharf may have codes that this version does not know.
    const known = (CODES as Partial<typeof CODES>)[error.code];
    this.retry = known?.retry ?? (this.retryAfter === undefined ? "no" : "after");
    this.fix = known?.fix ?? "";
  }

  /** Whether the same request can succeed later; `retry` says when. */
  get retryable(): boolean {
    return this.retry !== "no";
  }

  override friendly(sentences: Sentences = english): string {
    return sentence(sentences, this.code, this.details);
  }

  /** All of it for a log; no key and no text stands in it. */
  toJSON() {
    const { name, code, message, httpStatus, details, requestId, retryAfter, retryable, operation, tries, docs } = this;
    return { name, code, message, httpStatus, details, requestId, retryAfter, retryable, operation, tries, docs };
  }
}

/** The key: missing, wrong, over, or not allowed to do this. */
export class AuthenticationError extends ApiError<AuthenticationCode> {
  override readonly name = "AuthenticationError";
}

/** The session: unknown, not linked, one too many. */
export class SessionError extends ApiError<SessionCode> {
  override readonly name = "SessionError";
}

/** The message, its recipient or its file. */
export class MessageError extends ApiError<MessageCode> {
  override readonly name = "MessageError";
}

/** A webhook's address or its events. */
export class WebhookError extends ApiError<WebhookCode> {
  override readonly name = "WebhookError";
}

/** Too many calls; the SDK has waited and tried again as often as it may. */
export class RateLimitError extends ApiError<RateLimitingCode> {
  override readonly name = "RateLimitError";
}

/** The request's form, or the server's trouble. */
export class GeneralError extends ApiError<GeneralCode> {
  override readonly name = "GeneralError";
}

/** The state of things forbids it (409), or nothing can make it succeed (422). */
export class StateError extends ApiError<AdditiveCode> {
  override readonly name = "StateError";
}

const CLASSES = {
  authentication: AuthenticationError,
  session: SessionError,
  message: MessageError,
  webhook: WebhookError,
  rate_limiting: RateLimitError,
  general: GeneralError,
  additive: StateError,
} satisfies Record<CodeGroup, unknown>;

/** The error of a failure's envelope, in the class of its group. */
export function errorOf(error: ErrorBody, facts: ConstructorParameters<typeof ApiError>[1]): ApiError {
  const group = (CODES as Partial<typeof CODES>)[error.code]?.group;
  const Class = (group ? CLASSES[group] : ApiError) as new (...all: ConstructorParameters<typeof ApiError>) => ApiError;
  return new Class(error, facts);
}

/** Nobody answered, or something that is not Wharf did. Whether the request took effect is not known; its `cause` says what was seen. */
export class ConnectionError extends WharfError {
  override readonly name = "ConnectionError";
  readonly code = "network_error";
  /** The status, where something between answered without Wharf's envelope. */
  readonly httpStatus: number | undefined;

  constructor(message: string, facts: { cause?: unknown; httpStatus?: number } = {}) {
    super(message, { cause: facts.cause });
    this.httpStatus = facts.httpStatus;
  }
}

/** What the client or a call was given cannot be meant or cannot be sent: an address, a key, a header. Nothing was sent, and no repeat helps. */
export class ConfigurationError extends WharfError {
  override readonly name = "ConfigurationError";
  readonly code = "configuration_error";

  constructor(
    message: string,
    /** The option or the header that is meant. */
    readonly option: string,
  ) {
    super(message);
  }
}

/** A wait is over before what it waited for came. */
export class WaitTimeoutError extends WharfError {
  override readonly name = "WaitTimeoutError";
  readonly code = "wait_timeout";

  constructor(
    /** The message as it was seen last. */
    readonly seen: Message,
    until: string,
  ) {
    super(`${seen.messageId} is ${seen.status}, and not ${until} in the time given`);
  }
}

/** A message that was waited for has failed. Where `reason` says that it may have arrived, do not send it again as a new one. */
export class MessageFailedError extends WharfError {
  override readonly name = "MessageFailedError";
  /** A code of the catalogue. */
  readonly code: string;
  readonly reason: string | undefined;

  constructor(
    /** The message as it is now. */
    readonly failed: Message,
  ) {
    super(`${failed.messageId} failed: ${failed.error?.reason ?? failed.error?.code ?? "without a reason"}`);
    this.code = failed.error?.code ?? "message_sending_failed";
    this.reason = failed.error?.reason;
  }

  override friendly(sentences: Sentences = english): string {
    return sentence(sentences, this.code, this.reason === undefined ? {} : { reason: this.reason });
  }
}

/** Whether it is a refusal with one of these codes; TypeScript knows the code then. */
export function hasCode<C extends ErrorCode>(error: unknown, ...codes: C[]): error is ApiError<C> {
  return error instanceof ApiError && (codes as string[]).includes(error.code);
}
