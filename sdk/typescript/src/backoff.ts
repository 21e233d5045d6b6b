/** How long the pauses between two tries are. */
export interface Pauses {
  /** Milliseconds before the second try; each later pause is twice as long. */
  firstPauseMs: number;
  /** Milliseconds that no pause of our own exceeds. */
  longestPauseMs: number;
  /** Seconds of a `Retry-After` that are still waited for; a longer one is the caller's to decide. */
  longestRetryAfter: number;
}

/**
 * Milliseconds before the next try, after so many; nothing where Wharf names more seconds than may be waited. A pause of our own is shorter
 * by up to half of it by chance, so that many callers do not come back together. One that Wharf names is never shorter than that.
 */
export function backoff(tries: number, pauses: Pauses, retryAfter?: number): number | undefined {
  const grown = Math.min(pauses.longestPauseMs, pauses.firstPauseMs * 2 ** Math.min(tries - 1, 30));
  if (retryAfter === undefined) return grown * (1 - Math.random() / 2);
  if (retryAfter > pauses.longestRetryAfter) return undefined;
  return retryAfter * 1000 + (grown * Math.random()) / 2;
}

/** Waits; the signal ends it with its reason. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    if (signal?.aborted) return failed(signal.reason);
    const end = () => {
      clearTimeout(timer);
      failed(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      done();
    }, milliseconds);
    signal?.addEventListener("abort", end, { once: true });
  });
}
