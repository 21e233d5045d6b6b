// What a page asks for when it opens, and anew when something happened.
import { useEffect, useRef, useState } from "preact/hooks";
import { listen, type Event } from "./events";

interface State<T> {
  value: T | null;
  problem: unknown;
  loading: boolean;
}

export interface Loaded<T> extends State<T> {
  again: () => void;
  set: (change: (value: T) => T) => void;
}

/** Asks once, when `deps` change, on `again`, and for each event that `on` says yes to; a burst of events is one question. `by` makes of
 *  what is shown and an event what is to be shown now; only where it cannot, the server is asked. */
export function useLoad<T>(ask: (signal: AbortSignal) => Promise<T>, deps: unknown[], on?: (event: Event) => boolean, by?: (value: T, event: Event) => T | null): Loaded<T> {
  const [state, setState] = useState<State<T>>({ value: null, problem: null, loading: true });
  const held = useRef(state);
  const current = useRef<AbortController | null>(null);
  const took = useRef(0);
  const put = (change: Partial<State<T>>) => setState((held.current = { ...held.current, ...change }));
  const run = () => {
    current.current?.abort();
    const controller = (current.current = new AbortController());
    const began = performance.now();
    const end = (change: Partial<State<T>>) => {
      if (controller.signal.aborted) return;
      current.current = null;
      took.current = performance.now() - began;
      put({ ...change, loading: false });
    };
    ask(controller.signal).then((value) => end({ value, problem: null }), (problem) => end({ problem }));
  };
  useEffect(() => {
    put({ value: null, loading: true });
    run();
    let timer = 0;
    const soon = () => {
      // A server that is slow to answer is asked less often.
      if (!timer) timer = window.setTimeout(() => ((timer = 0), run()), Math.max(120, 10 * took.current));
    };
    const hear = (event: Event) => {
      const { value } = held.current;
      // An answer that is on its way may be older than the event.
      const now = by && value !== null && !current.current ? by(value, event) : null;
      if (now === null) soon();
      else if (now !== value) put({ value: now });
    };
    const stop = on ? listen((event) => on(event) && hear(event), soon) : undefined;
    return () => {
      stop?.();
      window.clearTimeout(timer);
      current.current?.abort();
    };
  }, deps);
  return { ...state, again: run, set: (change) => held.current.value !== null && put({ value: change(held.current.value) }) };
}
