import { backoff, sleep, type Pauses } from "./backoff.js";
import { ApiError, ConnectionError, WharfError, errorOf } from "./errors.js";
import type { ErrorBody, Session, SessionStatus } from "./generated/types.js";
import { checkWord, headersIn, setHeader, type GivenHeaders } from "./given.js";
import { Paged, type Page } from "./paging.js";
import type { AnswerFacts, Call, CallOptions, CallRequest, KeyedOptions, QueryValue } from "./resource.js";

/** What the client was told. */
export interface Settings extends Pauses {
  apiKey: string | undefined;
  /** Without a key and without the cookie of a log-in: what is asked says by itself who asks. */
  anonymous?: boolean;
  /** Without a slash at its end. */
  baseUrl: string;
  /** The platform's where nothing else is wanted. */
  fetch: typeof globalThis.fetch | undefined;
  timeoutMs: number;
  filesTimeoutMs: number;
  maxRetries: number;
  headers: GivenHeaders;
  onRetry: ((retry: RetryFacts) => void) | undefined;
}

/** A try that failed and is followed by another. */
export interface RetryFacts {
  error: WharfError;
  /** The operation's name in the document. */
  operation: string;
  /** Tries so far. */
  tries: number;
  /** Milliseconds until the next one. */
  pauseMs: number;
}

/** What every try of a call carries. */
interface Prepared {
  headers: Headers;
  json: string | undefined;
}

/** Codes that another try may end; most others tell of what only people or time can change. */
const PASSING: readonly string[] = ["rate_limit_exceeded", "concurrent_request_limit_exceeded", "idempotency_key_in_use", "internal_server_error", "service_unavailable"];

/** Sessions that nobody has to scan; one may have come back between the refusal and the look at it. */
const ON_THEIR_WAY: readonly SessionStatus[] = ["starting", "connecting", "reconnecting", "connected"];

/** Statuses of proxies that did not reach Wharf. */
const UNREACHED: readonly number[] = [408, 502, 503, 504];

/** Sends requests, and sends them again where that can help. */
export class Transport implements Call {
  /** The program's own: read once, for some forms can be read no second time. */
  readonly #own: Headers;

  /** @throws ConfigurationError where a header cannot be sent */
  constructor(private readonly settings: Settings) {
    this.#own = headersIn(settings.headers);
  }

  one<T>(request: CallRequest, options: CallOptions): Promise<T> {
    return this.#run(request, options, async (response) => (await enveloped<{ data: T }>(response)).data);
  }

  pages<T>(request: CallRequest, options: CallOptions): Paged<T> {
    let headers: Headers | undefined;
    const fetch = async (cursor: string | undefined) => {
      // Once for all pages, as for all tries of one.
      headers ??= headersIn(options.headers ?? {});
      return this.#run<Page<T>>({ ...request, query: { ...request.query, cursor } }, { ...options, headers }, async (response) => {
        const answer = await enveloped<{ data: T[]; page?: { next?: string | null } }>(response);
        return { data: answer.data, next: answer.page?.next ?? null };
      });
    };
    const from = request.query?.["cursor"];
    return new Paged(fetch, typeof from === "string" ? from : undefined);
  }

  json(request: CallRequest, options: CallOptions): Promise<unknown> {
    return this.#run(request, options, (response) => response.json() as Promise<unknown>);
  }

  text(request: CallRequest, options: CallOptions): Promise<string> {
    return this.#run({ ...request, accept: request.accept ?? "*/*" }, options, (response) => response.text());
  }

  raw(request: CallRequest, options: CallOptions): Promise<Response> {
    return this.#run({ ...request, accept: request.accept ?? "*/*", streams: true }, options, (response) => Promise.resolve(response));
  }

  /** Where a path of the API is. */
  url(path: string, query: CallRequest["query"] = {}): string {
    const asked = new URLSearchParams();
    const set = (name: string, value: QueryValue) => {
      if (value !== undefined && value !== null) asked.set(name, Array.isArray(value) ? value.join(",") : String(value));
    };
    for (const [name, value] of Object.entries(query)) set(name, value);
    return this.settings.baseUrl + path + (asked.size > 0 ? `?${asked}` : "");
  }

  /** Tries until it is done, until what is wrong will stay wrong, or until the tries are used up. */
  async #run<T>(request: CallRequest, options: KeyedOptions, read: (response: Response) => Promise<T>): Promise<T> {
    const headers = this.#headers(request, options);
    // What cannot be written as JSON is the program's own slip: said as it is, and not tried again.
    const json = request.body === undefined ? undefined : JSON.stringify(request.body);
    const most = request.once ? 0 : (options.maxRetries ?? this.settings.maxRetries);
    for (let tries = 1; ; tries++) {
      try {
        return await this.#attempt(request, { headers, json }, options, tries, read);
      } catch (error) {
        if (!(error instanceof WharfError)) throw error;
        error.operation = request.id;
        error.tries = tries;
        const pauseMs = tries <= most ? await this.#pauseAfter(error, tries, request, options) : undefined;
        if (pauseMs === undefined) throw error;
        this.settings.onRetry?.({ error, operation: request.id, tries, pauseMs });
        await sleep(pauseMs, options.signal);
      }
    }
  }

  /**
   * Every operation may be repeated: what creates has an `Idempotency-Key`, which is the same at each try, and what has none makes nothing
   * new. So only the kind of the fault decides.
   */
  async #pauseAfter(error: WharfError, tries: number, request: CallRequest, options: CallOptions): Promise<number | undefined> {
    if (error instanceof ConnectionError) {
      const passing = error.httpStatus === undefined || UNREACHED.includes(error.httpStatus);
      return passing ? backoff(tries, this.settings) : undefined;
    }
    if (!(error instanceof ApiError)) return undefined;
    const passing = PASSING.includes(error.code) || (error.code === "session_not_connected" && (await this.#onItsWay(request, options)));
    if (!passing) return undefined;
    return backoff(tries, this.settings, error.retryAfter);
  }

  /** Whether the session that the body names comes back by itself, as after a restart of the server. Who may not look it up is told the refusal. */
  async #onItsWay(request: CallRequest, { signal }: CallOptions): Promise<boolean> {
    const { sessionId } = (request.body ?? {}) as { sessionId?: unknown };
    if (typeof sessionId !== "string") return false;
    const look = { id: "get_session", method: "GET", path: `/v1/sessions/${encodeURIComponent(sessionId)}` };
    try {
      const { status, waitingFor } = await this.one<Session>(look, { maxRetries: 0, ...(signal && { signal }) });
      return waitingFor === undefined && ON_THEIR_WAY.includes(status);
    } catch (error) {
      signal?.throwIfAborted();
      // The server may go away between the two, too.
      return error instanceof ConnectionError || (error instanceof ApiError && PASSING.includes(error.code));
    }
  }

  #headers(request: CallRequest, options: KeyedOptions): Headers {
    const headers = new Headers(this.#own);
    headers.set("Accept", request.accept ?? "application/json");
    if (this.settings.apiKey !== undefined) headers.set("Authorization", `Bearer ${this.settings.apiKey}`);
    // A page that is signed in has a cookie instead of a key, and says that it is no other site's form.
    else if (!this.settings.anonymous) headers.set("X-Wharf-Dashboard", "1");
    if (request.body !== undefined) headers.set("Content-Type", "application/json");
    if (options.idempotencyKey !== undefined) checkWord("idempotencyKey", options.idempotencyKey);
    if (request.keyed) headers.set("Idempotency-Key", options.idempotencyKey ?? freshKey());
    return withHeaders(headers, options.headers);
  }

  async #attempt<T>(request: CallRequest, { headers, json }: Prepared, options: CallOptions, tries: number, read: (response: Response) => Promise<T>): Promise<T> {
    const { signal } = options;
    signal?.throwIfAborted();
    const usual = request.files ? this.settings.filesTimeoutMs : this.settings.timeoutMs;
    const asked = Number(request.query?.["wait"] ?? 0) * 1000;
    const limit = options.timeoutMs ?? usual + asked;
    const ending = new AbortController();
    const end = () => ending.abort(signal?.reason);
    signal?.addEventListener("abort", end, { once: true });
    let late = false;
    const timer = setTimeout(() => ((late = true), ending.abort()), limit);
    let streaming = false;
    try {
      const bytes = request.bytes && (await request.bytes());
      ending.signal.throwIfAborted();
      if (bytes) setHeader(headers, "Content-Type", bytes.contentType);
      const init: RequestInit & { duplex?: "half" } = { method: request.method, headers, signal: ending.signal };
      const body = bytes?.body ?? json;
      if (body !== undefined) init.body = body;
      if (this.settings.anonymous) init.credentials = "omit";
      if (bytes?.streamed) init.duplex = "half";
      const fetch = this.settings.fetch ?? request.fetch ?? globalThis.fetch.bind(globalThis);
      const response = await fetch(this.url(request.path, request.query), init);
      if (!response.ok && !(request.streams && response.status === 304)) throw await this.#refusal(response);
      const value = await read(response);
      options.onAnswer?.(factsOf(response, tries));
      streaming = request.streams === true;
      return value;
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      if (cause instanceof WharfError) throw cause;
      const said = cause instanceof Error && cause.cause instanceof Error ? `: ${cause.cause.message}` : "";
      throw new ConnectionError(late ? `no answer in ${limit / 1000} s` : `Wharf was not reached${said}`, { cause });
    } finally {
      clearTimeout(timer);
      // Who reads on after the call still wants to be able to end it.
      if (!streaming) signal?.removeEventListener("abort", end);
    }
  }

  /** The error that an answer tells of. */
  async #refusal(response: Response): Promise<WharfError> {
    const text = await response.text();
    const error = failureIn(text);
    if (!error) return new ConnectionError(`something that is not Wharf answered ${response.status}: ${text.slice(0, 100)}`, { httpStatus: response.status });
    const after = Number(response.headers.get("Retry-After") ?? NaN);
    const link = /<([^>]+)>;\s*rel="help"/.exec(response.headers.get("Link") ?? "")?.[1];
    return errorOf(error, {
      httpStatus: response.status,
      requestId: response.headers.get("X-Request-Id") ?? undefined,
      retryAfter: Number.isFinite(after) ? after : undefined,
      // The link is relative to what was asked, so that it leads on behind a proxy too.
      docs: link && response.url ? new URL(link, response.url).href : `${this.settings.baseUrl}/docs#error-${error.code}`,
    });
  }
}

async function enveloped<T>(response: Response): Promise<T> {
  const answer = JSON.parse(await response.text()) as { success?: unknown };
  if (answer?.success !== true) throw new ConnectionError("something that is not Wharf answered: there is no envelope", { httpStatus: response.status });
  return answer as T;
}

function withHeaders(headers: Headers, more: GivenHeaders = {}): Headers {
  headersIn(more).forEach((value, name) => headers.set(name, value));
  return headers;
}

function failureIn(text: string): ErrorBody | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: Partial<ErrorBody> };
    return typeof error?.code === "string" ? (error as ErrorBody) : undefined;
  } catch {
    return undefined;
  }
}

function factsOf(response: Response, tries: number): AnswerFacts {
  return {
    httpStatus: response.status,
    requestId: response.headers.get("X-Request-Id") ?? undefined,
    replayed: response.headers.get("Idempotent-Replayed") === "true",
    tries,
    headers: response.headers,
  };
}

/** Not `randomUUID`: browsers have it on secure pages only. */
function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `sdk-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
