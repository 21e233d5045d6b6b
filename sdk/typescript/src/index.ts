/** Wharf, the self-hosted WhatsApp API service, from Node.js, Deno and browsers. Receivers of webhooks find `verify` in `wharf-client/webhooks`. */
export { Wharf, type WharfOptions } from "./client.js";
export {
  ApiError,
  AuthenticationError,
  ConfigurationError,
  ConnectionError,
  GeneralError,
  MessageError,
  MessageFailedError,
  RateLimitError,
  SessionError,
  StateError,
  WaitTimeoutError,
  WebhookError,
  WharfError,
  hasCode,
} from "./errors.js";
export { Events, Listening, type Heard, type ListenOptions, type WharfEvent } from "./events.js";
export * from "./generated/errors.js";
export * from "./generated/operations.js";
export type * from "./generated/types.js";
export { VERSION } from "./generated/version.js";
export type { GivenHeaders } from "./given.js";
export { Media as MediaOperations, type UploadOptions, type UploadSource } from "./media.js";
export { Messages, type Step, type WaitOptions } from "./messages.js";
export { listenInPage, type PageListenOptions, type PageToken } from "./page.js";
export { Paged, type Page } from "./paging.js";
export type { AnswerFacts, CallOptions, KeyedOptions } from "./resource.js";
export { english, german, type Sentences } from "./sentences.js";
export { Sessions } from "./sessions.js";
export type { RetryFacts } from "./transport.js";
