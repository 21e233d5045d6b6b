import { Events } from "./events.js";
import { AccountApi, AdminApi, ChatsApi, ContactsApi, GroupsApi, KeysApi, ServerApi, UsersApi, WebhooksApi } from "./generated/operations.js";
import { addressOf, keyOf, type GivenHeaders } from "./given.js";
import { Media } from "./media.js";
import { Messages } from "./messages.js";
import type { CallOptions, CallRequest, KeyedOptions } from "./resource.js";
import { Sessions } from "./sessions.js";
import { Transport, type RetryFacts } from "./transport.js";

export interface WharfOptions {
  /** The key: visible ASCII. Without one requests go out with the cookie of a log-in, in a page that Wharf itself serves. */
  apiKey?: string;
  /** Where Wharf is, with its scheme, perhaps below a path; `http://127.0.0.1:8080` where it is left out. */
  baseUrl?: string;
  /** Milliseconds that one try may take, besides what it asks Wharf to wait; 40,000 where it is left out. */
  timeoutMs?: number;
  /** The same for requests that carry or fetch a file; 310,000 where it is left out. */
  filesTimeoutMs?: number;
  /** How many tries may follow the first one; 6 where it is left out, which is half a minute. 0 never tries again. */
  maxRetries?: number;
  /** Milliseconds before the second try; each later pause is twice as long, and shorter by up to half by chance. 500 where it is left out. */
  firstPauseMs?: number;
  /** Milliseconds that no such pause exceeds; 30,000 where it is left out. */
  longestPauseMs?: number;
  /** Seconds of a `Retry-After` that are still waited for; 120 where it is left out. A longer one is thrown at once. */
  longestRetryAfter?: number;
  /** Headers of every request, in a form that `fetch` takes. They are read when the client is made. */
  headers?: GivenHeaders;
  /** Is told of every try that failed and is followed by another. */
  onRetry?: (retry: RetryFacts) => void;
  /** The platform's `fetch` where it is left out. */
  fetch?: typeof globalThis.fetch;
}

/**
 * Wharf, by its groups of operations.
 *
 * ```js
 * const wharf = new Wharf({ apiKey, baseUrl });
 * const message = await wharf.messages.sendText({ sessionId, to: "+1 415 555 2671", text: "Hello" });
 * await wharf.messages.waitUntil(message, "read");
 * ```
 */
export class Wharf {
  readonly sessions: Sessions;
  readonly messages: Messages;
  readonly media: Media;
  readonly events: Events;
  readonly chats: ChatsApi;
  readonly contacts: ContactsApi;
  readonly groups: GroupsApi;
  readonly webhooks: WebhooksApi;
  readonly keys: KeysApi;
  readonly users: UsersApi;
  readonly account: AccountApi;
  readonly admin: AdminApi;
  readonly server: ServerApi;
  readonly #transport: Transport;

  /** @throws ConfigurationError where the address is none, or the key or a header cannot be sent */
  constructor(options: WharfOptions = {}) {
    const call = new Transport({
      apiKey: keyOf(options.apiKey),
      baseUrl: addressOf(options.baseUrl ?? "http://127.0.0.1:8080"),
      fetch: options.fetch,
      timeoutMs: options.timeoutMs ?? 40_000,
      filesTimeoutMs: options.filesTimeoutMs ?? 310_000,
      maxRetries: options.maxRetries ?? 6,
      firstPauseMs: options.firstPauseMs ?? 500,
      longestPauseMs: options.longestPauseMs ?? 30_000,
      longestRetryAfter: options.longestRetryAfter ?? 120,
      headers: options.headers ?? {},
      onRetry: options.onRetry,
    });
    this.#transport = call;
    this.sessions = new Sessions(call);
    this.messages = new Messages(call);
    this.media = new Media(call);
    this.events = new Events(call);
    this.chats = new ChatsApi(call);
    this.contacts = new ContactsApi(call);
    this.groups = new GroupsApi(call);
    this.webhooks = new WebhooksApi(call);
    this.keys = new KeysApi(call);
    this.users = new UsersApi(call);
    this.account = new AccountApi(call);
    this.admin = new AdminApi(call);
    this.server = new ServerApi(call);
  }

  /**
   * Calls a path that this version has no method for, with the same tries and errors, and gives the whole answer. `keyed` sends an
   * `Idempotency-Key`.
   */
  request(method: string, path: string, request: Pick<CallRequest, "query" | "body" | "keyed"> = {}, options: CallOptions | KeyedOptions = {}): Promise<unknown> {
    return this.#transport.json({ id: `${method} ${path}`, method, path, ...request }, options);
  }
}
