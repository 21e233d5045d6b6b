// The one stream of the page: every part that shows something live listens here.
import { effect, signal } from "@preact/signals";
import { ask, may, me, open, type Schemas } from "./client";

export type Event = Schemas["Event"];
type Listener = (event: Event) => void;

export const live = signal<"off" | "opening" | "live" | "lost">("off");
const listeners = new Set<Listener>();
/** Called when the stream was away: what came meanwhile is brought by the stream, what is shown may still be older than that. */
const returns = new Set<() => void>();

export function listen(listener: Listener, onReturn?: () => void) {
  listeners.add(listener);
  if (onReturn) returns.add(onReturn);
  return () => {
    listeners.delete(listener);
    if (onReturn) returns.delete(onReturn);
  };
}

let running: AbortController | null = null;
let last: string | null = null;

effect(() => {
  const here = me.value;
  running?.abort();
  running = null;
  last = null;
  if (!here || open || !here.accountId || !may("events:read")) {
    live.value = "off";
    return;
  }
  running = new AbortController();
  void follow(running.signal);
});

async function follow(signal: AbortSignal) {
  let pause = 1_000;
  while (!signal.aborted) {
    try {
      live.value = "opening";
      const response = await ask("GET", "v1/events", { accept: "text/event-stream", signal, query: last ? { lastEventId: last } : {} });
      const again = last !== null;
      live.value = "live";
      pause = 1_000;
      if (again) for (const listener of returns) listener();
      await pump(response, signal);
    } catch {
      if (signal.aborted || !me.value) return;
    }
    live.value = "lost";
    await new Promise((done) => setTimeout(done, pause * (0.75 + Math.random() / 2)));
    pause = Math.min(pause * 2, 60_000);
  }
}

async function pump(response: Response, signal: AbortSignal) {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!signal.aborted) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    let end: number;
    while ((end = text.indexOf("\n\n")) >= 0) {
      block(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

function block(text: string) {
  let told = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("id: ")) last = line.slice(4);
    else if (line.startsWith("data: ")) told += line.slice(6);
  }
  if (!told) return;
  const event = JSON.parse(told) as Event;
  for (const listener of listeners) listener(event);
}
