/** One message of a stream of events. */
export interface StreamMessage {
  id: string | undefined;
  data: string;
}

/** Reads a body of `text/event-stream`; `alive` is called for every piece that comes, a heartbeat's too. */
export async function* messagesOf(body: ReadableStream<Uint8Array>, alive: () => void): AsyncGenerator<StreamMessage, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      alive();
      text += decoder.decode(value, { stream: true });
      // A carriage return at the very end may be the first half of a line's end.
      const whole = text.endsWith("\r") ? text.slice(0, -1) : text;
      const blocks = whole.replace(/\r\n?/g, "\n").split("\n\n");
      text = (blocks.pop() ?? "") + text.slice(whole.length);
      for (const block of blocks) {
        const message = messageIn(block);
        if (message) yield message;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** What is only a comment or a pause carries no data. */
function messageIn(block: string): StreamMessage | undefined {
  const data: string[] = [];
  let id: string | undefined;
  for (const line of block.split("\n")) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === "data") data.push(value ?? "");
    if (name === "id") id = value;
  }
  return data.length > 0 ? { id, data: data.join("\n") } : undefined;
}
