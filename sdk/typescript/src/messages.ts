import { MessageFailedError, WaitTimeoutError } from "./errors.js";
import { MessagesApi } from "./generated/operations.js";
import type { Message, MessageStatus } from "./generated/types.js";

/** How far a sent message can come, in this order. */
const STEPS = ["sent", "delivered", "read", "played"] as const;
export type Step = (typeof STEPS)[number];

/** Seconds that one request waits; Wharf waits 30 at the most. */
const ONE_WAIT = 25;

export interface WaitOptions {
  /** Milliseconds until the wait is given up; five minutes where it is left out. `Infinity` waits until the signal ends it. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Send, read and change messages. */
export class Messages extends MessagesApi {
  /**
   * Waits until a sent message has come so far, over restarts of the server too, and gives it as it is then. A step that WhatsApp left
   * out counts as reached: a message that was read was delivered.
   *
   * @throws MessageFailedError where it failed, WaitTimeoutError where the time is over, ApiError as `get` does
   */
  async waitUntil(message: string | { messageId: string }, until: Step, options: WaitOptions = {}): Promise<Message> {
    const id = typeof message === "string" ? message : message.messageId;
    const { signal, timeoutMs = 300_000 } = options;
    const end = Date.now() + timeoutMs;
    for (;;) {
      const seconds = Math.ceil((end - Date.now()) / 1000);
      const wait = Math.max(0, Math.min(ONE_WAIT, seconds));
      const seen = await this.get(id, { wait, until }, signal ? { signal } : {});
      if (reached(seen.status, until)) return seen;
      if (seen.status === "failed") throw new MessageFailedError(seen);
      if (Date.now() >= end) throw new WaitTimeoutError(seen, until);
    }
  }
}

function reached(status: MessageStatus, until: Step): boolean {
  return (STEPS as readonly string[]).indexOf(status) >= STEPS.indexOf(until);
}
