import { backoff, sleep } from "./backoff.js";
import { ConnectionError, hasCode } from "./errors.js";
import { Listening, logRequest, type ListenOptions, type Source } from "./events.js";
import type { EventChoice } from "./generated/types.js";
import { addressOf } from "./given.js";
import { Transport, type RetryFacts } from "./transport.js";

/** What a page's own server gives it: the answer of `wharf.events.createToken`, or the parts of it that it wants to show. */
export interface PageToken {
  token: string;
  /** Where the log ended when it was made. Without it the first listening begins when its stream is open. */
  cursor?: string | undefined;
  /** From then on it is refused. Without it a token is replaced once it was refused. */
  expiresAt?: string | undefined;
}

export interface PageListenOptions<K extends EventChoice = "*"> extends Omit<ListenOptions<K>, "sessionId"> {
  /** Where Wharf is, perhaps below a path. Its operator names the page's origin in `server.allowed_origins`. */
  baseUrl: string;
  /**
   * Asks the page's own server for a token, a fresh one each time: at the beginning, before one ends, and after one was refused. What `fetch` throws
   * where nobody answers (a `TypeError`) is waited out; anything else ends the listening, such as that nobody is signed in any more.
   */
  token: (signal: AbortSignal) => Promise<PageToken>;
  /** Is told of every try that failed and is followed by another. */
  onRetry?: (retry: RetryFacts) => void;
  /** The platform's `fetch` where it is left out. */
  fetch?: typeof globalThis.fetch;
}

const PAUSES = { firstPauseMs: 500, longestPauseMs: 30_000, longestRetryAfter: Infinity };
/** A token that opened nothing and is refused so soon after it was asked for is not replaced: the next one would be refused as well. */
const YOUNG_MS = 10_000;

/**
 * Hears a session's events in a page of a browser, which must hold no key: each once and in the order of the log, over cuts, restarts and the ends of
 * its tokens. It sends nothing but what browsers send to other origins without asking.
 *
 * ```js
 * const token = async (signal) => (await fetch("/token", { method: "POST", signal })).json();
 * for await (const event of listenInPage({ baseUrl, token, events: ["message.received"] })) show(event.data.text);
 * ```
 *
 * @throws ConfigurationError at once, where the address is none
 * @throws ApiError what no other token ends: `session_not_found`, or a fresh token that is refused
 */
export function listenInPage<K extends EventChoice = "*">(options: PageListenOptions<K>): Listening<K> {
  return new Listening(new TokenSource(options), options);
}

/** A token, and when it was asked for and is to be replaced, by the page's clock. */
interface Held {
  token: string;
  askedAt: number;
  renewAt: number;
  /** Whether it has opened a stream. */
  good: boolean;
}

/** Streams that are opened with tokens. */
class TokenSource<K extends EventChoice> implements Source {
  #held: Held | undefined;
  readonly #call: Transport;

  constructor(private readonly options: PageListenOptions<K>) {
    this.#call = new Transport({
      apiKey: undefined,
      anonymous: true,
      baseUrl: addressOf(options.baseUrl),
      fetch: options.fetch,
      timeoutMs: 40_000,
      filesTimeoutMs: 40_000,
      maxRetries: Infinity,
      headers: {},
      onRetry: options.onRetry,
      ...PAUSES,
    });
  }

  async begin(signal: AbortSignal): Promise<string | undefined> {
    const { cursor } = await this.#ask(signal);
    return cursor;
  }

  async open(cursor: string | undefined, signal: AbortSignal): Promise<{ response: Response; renewMs: number | undefined }> {
    for (;;) {
      if (!this.#held || this.#held.renewAt <= Date.now()) await this.#ask(signal);
      const held = this.#held as Held;
      const { events } = this.options;
      const request = { ...logRequest(events ? { events } : {}, { token: held.token, cursor }), accept: "text/event-stream", streams: true };
      try {
        const response = await this.#call.raw(request, { signal });
        held.good = true;
        return { response, renewMs: Number.isFinite(held.renewAt) ? Math.max(0, held.renewAt - Date.now()) : undefined };
      } catch (error) {
        const ended = hasCode(error, "expired_api_key", "invalid_api_key");
        const fresh = !held.good && Date.now() - held.askedAt < YOUNG_MS;
        if (!ended || fresh) throw error;
        this.#held = undefined;
      }
    }
  }

  /** A token from the page's own server, for as long as that does not answer. */
  async #ask(signal: AbortSignal): Promise<PageToken> {
    for (let tries = 1; ; tries++) {
      try {
        const token = await this.options.token(signal);
        const now = Date.now();
        this.#held = { token: token.token, askedAt: now, renewAt: renewAt(token, now), good: false };
        return token;
      } catch (cause) {
        signal.throwIfAborted();
        if (!(cause instanceof TypeError)) throw cause;
        const pauseMs = backoff(tries, PAUSES) ?? 0;
        const error = new ConnectionError("the page's own server gave no token", { cause });
        this.options.onRetry?.({ error, operation: "create_event_token", tries, pauseMs });
        await sleep(pauseMs, signal);
      }
    }
  }
}

/**
 * Half a minute before its end, or after four fifths of its time where that is later. A page's clock may be wrong: a token that is over by it is used until
 * it is refused.
 */
function renewAt({ expiresAt }: PageToken, now: number): number {
  const left = expiresAt === undefined ? NaN : Date.parse(expiresAt) - now;
  return left > 0 ? now + Math.max(left - 30_000, left * 0.8, 1_000) : Infinity;
}
