// What a page asks for when it opens, and anew when something happened.
import { useEffect, useRef, useState } from "preact/hooks";
import { listen, type Event } from "./events";

export interface Loaded<T> {
  value: T | null;
  problem: unknown;
  loading: boolean;
  again: () => void;
  set: (change: (value: T) => T) => void;
}

/** Asks once, when `deps` change, on `again`, and for each event that `on` says yes to; a burst of events is one question. */
export function useLoad<T>(ask: (signal: AbortSignal) => Promise<T>, deps: unknown[], on?: (event: Event) => boolean): Loaded<T> {
  const [state, setState] = useState<{ value: T | null; problem: unknown; loading: boolean }>({ value: null, problem: null, loading: true });
  const current = useRef<AbortController | null>(null);
  const run = () => {
    current.current?.abort();
    const controller = (current.current = new AbortController());
    ask(controller.signal).then(
      (value) => controller.signal.aborted || setState({ value, problem: null, loading: false }),
      (problem) => controller.signal.aborted || setState((before) => ({ ...before, problem, loading: false })),
    );
  };
  useEffect(() => {
    setState((before) => ({ ...before, value: null, loading: true }));
    run();
    let timer = 0;
    const soon = () => {
      if (!timer) timer = window.setTimeout(() => ((timer = 0), run()), 120);
    };
    const stop = on ? listen((event) => on(event) && soon(), soon) : undefined;
    return () => {
      stop?.();
      window.clearTimeout(timer);
      current.current?.abort();
    };
  }, deps);
  return { ...state, again: run, set: (change) => setState((before) => (before.value === null ? before : { ...before, value: change(before.value) })) };
}
