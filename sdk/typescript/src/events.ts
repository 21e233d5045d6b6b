import { sleep } from "./backoff.js";
import { ConnectionError } from "./errors.js";
import { EventsApi } from "./generated/operations.js";
import type { AnyEvent, EventChoice, EventData, EventKind } from "./generated/types.js";
import type { Call, CallRequest } from "./resource.js";
import { messagesOf } from "./sse.js";

/** An event whose `data` is known by its kind: `switch (event.event)` tells TypeScript which. */
export type WharfEvent<K extends EventKind = EventKind> = { [Kind in K]: Omit<AnyEvent, "event" | "data"> & { event: Kind; data: EventData[Kind] } }[K];

/** The events of a choice; `*` is all of them. */
export type Heard<K extends EventChoice> = "*" extends K ? WharfEvent : WharfEvent<Exclude<K, "*">>;

export interface ListenOptions<K extends EventChoice = "*"> {
  /** Which kinds; each step once (`*`) where it is left out. */
  events?: readonly K[];
  /** Only this session's. */
  sessionId?: string;
  /** The id of the event after which to begin, or `oldest`; with what comes from the call on where it is left out. */
  cursor?: string;
  /** Ends the listening without an error. */
  signal?: AbortSignal;
  /** Is told when the stream is there and when it is lost; what happens meanwhile is heard afterwards. */
  onState?: (state: "listening" | "lost") => void;
  /** Milliseconds of silence after which the stream counts as lost; Wharf says every 15 s that it lives. 45,000 where it is left out. */
  silenceMs?: number;
}

/** Read the log of what happened, or hear it as it happens. */
export class Events extends EventsApi {
  /**
   * Hears events as they happen, each once and in the order of the log. A stream that is cut, a server that restarts and a limit that is met are
   * waited out: it goes on after the last event that it gave. It ends by `break`, by `close()` or by its signal.
   *
   * ```js
   * for await (const event of wharf.events.listen({ events: ["message.received"] })) console.log(event.data.text);
   * ```
   *
   * `GET /v1/events` needs `events:read`, and counts as one concurrent request.
   *
   * @throws ApiError what no waiting ends: a key that is wrong, was revoked or may not listen
   */
  listen<K extends EventChoice = "*">(options: ListenOptions<K> = {}): Listening<K> {
    return new Listening(new KeySource(this.call, options), options);
  }
}

/** Where a listening gets its streams from. */
export interface Source {
  /** Where the log ends now, so that what happens from then on is heard. */
  begin(signal: AbortSignal): Promise<string | undefined>;
  /** The stream of what comes after that place, and in how many milliseconds another one is to take its place, if so. */
  open(cursor: string | undefined, signal: AbortSignal): Promise<{ response: Response; renewMs?: number | undefined }>;
}

/** The request for the log, or for its growing end. */
export function logRequest(options: Pick<ListenOptions<EventChoice>, "events" | "sessionId">, query: CallRequest["query"]): CallRequest {
  const { sessionId, events = ["*"] } = options;
  return { id: "list_events", method: "GET", path: "/v1/events", query: { sessionId, events: events as readonly string[], ...query } };
}

/** Streams that are opened with a key. */
class KeySource<K extends EventChoice> implements Source {
  constructor(
    private readonly call: Call,
    private readonly options: ListenOptions<K>,
  ) {}

  /** A place in the log first: a stream that is cut before its first event would not know where it was. */
  async begin(signal: AbortSignal): Promise<string | undefined> {
    const request = logRequest(this.options, { cursor: "latest", limit: 1 });
    const page = await this.call.pages<AnyEvent>(request, { signal, maxRetries: Infinity });
    return page.next ?? undefined;
  }

  async open(cursor: string | undefined, signal: AbortSignal): Promise<{ response: Response }> {
    const request = { ...logRequest(this.options, { cursor }), accept: "text/event-stream", streams: true };
    return { response: await this.call.raw(request, { signal, maxRetries: Infinity }) };
  }
}

/** A listening, from its call on. */
export class Listening<K extends EventChoice = "*"> implements AsyncIterable<Heard<K>> {
  /** Done once it is known where the listening begins: what happens from then on is heard. */
  readonly ready: Promise<void>;
  #cursor: string | undefined;
  readonly #ending = new AbortController();
  readonly #source: Source;
  readonly #options: ListenOptions<K>;
  /** Whether the stream was ended to put another in its place. */
  #renewed = false;

  /** @internal */
  constructor(source: Source, options: ListenOptions<K>) {
    this.#source = source;
    this.#options = options;
    this.#cursor = options.cursor;
    if (options.signal?.aborted) this.close();
    options.signal?.addEventListener("abort", () => this.close(), { once: true });
    this.ready = this.#begin();
    // Who does not wait for it meets the same error at the first event.
    this.ready.catch(() => undefined);
  }

  /** The id of the last event that was given: keep it, and say it as `cursor` when your program starts again. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Ends it; a `for await` over it ends too. */
  close(): void {
    this.#ending.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Heard<K>, void, undefined> {
    try {
      await this.ready;
      for (let empty = 0; !this.#ending.signal.aborted; empty++) {
        for await (const event of this.#stream()) {
          empty = 0;
          // Before it is given: whoever reads `cursor` while handling it is told this one.
          this.#cursor = event.eventId;
          yield event as Heard<K>;
        }
        if (this.#renewed) {
          this.#renewed = false;
          continue;
        }
        this.#options.onState?.("lost");
        // A server that ends each stream at once is not asked in a circle.
        await sleep(Math.min(10_000, 100 * 2 ** Math.min(empty, 10)) * (1 - Math.random() / 2), this.#ending.signal);
      }
    } catch (error) {
      if (!this.#ending.signal.aborted) throw error;
    } finally {
      this.close();
    }
  }

  async #begin(): Promise<void> {
    this.#cursor ??= await this.#source.begin(this.#ending.signal);
  }

  /** One stream from where we are to its end, whatever ends it. */
  async *#stream(): AsyncGenerator<AnyEvent, void, undefined> {
    const one = new AbortController();
    const end = () => one.abort();
    this.#ending.signal.addEventListener("abort", end, { once: true });
    let timer: ReturnType<typeof setTimeout> | undefined;
    let renewal: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(end, this.#options.silenceMs ?? 45_000);
    };
    try {
      const { response, renewMs } = await this.#source.open(this.#cursor, one.signal);
      if (!response.body) throw new ConnectionError("a stream without a body");
      this.#options.onState?.("listening");
      alive();
      if (renewMs !== undefined) renewal = setTimeout(() => ((this.#renewed = true), end()), renewMs);
      const messages = messagesOf(response.body, alive);
      try {
        for (;;) {
          const next = await messages.next().catch(() => undefined);
          if (!next || next.done) return;
          yield JSON.parse(next.value.data) as AnyEvent;
        }
      } finally {
        await messages.return();
      }
    } finally {
      clearTimeout(timer);
      clearTimeout(renewal);
      this.#ending.signal.removeEventListener("abort", end);
      one.abort();
    }
  }
}
