/** One page of a list. */
export interface Page<T> {
  data: T[];
  /** The next page's `cursor`; null where the list is whole. */
  next: string | null;
}

/**
 * A list. Awaited it is its first page; in `for await` it is all its rows, and further pages are fetched as they are needed.
 *
 * ```js
 * const { data, next } = await wharf.messages.list({ limit: 20 });
 * for await (const message of wharf.messages.list({ sessionId })) console.log(message.text);
 * ```
 */
export class Paged<T> implements PromiseLike<Page<T>>, AsyncIterable<T> {
  readonly #fetch: (cursor: string | undefined) => Promise<Page<T>>;
  readonly #from: string | undefined;

  /** @internal */
  constructor(fetch: (cursor: string | undefined) => Promise<Page<T>>, from?: string) {
    this.#fetch = fetch;
    this.#from = from;
  }

  then<A = Page<T>, B = never>(done?: ((page: Page<T>) => A | PromiseLike<A>) | null, failed?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<A | B> {
    return this.#fetch(this.#from).then(done, failed);
  }

  catch<B = never>(failed?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Page<T> | B> {
    return this.then(undefined, failed);
  }

  /** The pages one by one. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    for (let cursor = this.#from; ; ) {
      const page = await this.#fetch(cursor);
      yield page;
      // The log of events has no end: where it tells nothing more it names the same place again.
      if (page.next === null || page.next === cursor) return;
      cursor = page.next;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.data;
  }

  /** All rows, or the first `most` of them. */
  async toArray(most = Infinity): Promise<T[]> {
    const rows: T[] = [];
    if (most <= 0) return rows;
    for await (const row of this) {
      rows.push(row);
      if (rows.length >= most) break;
    }
    return rows;
  }
}
