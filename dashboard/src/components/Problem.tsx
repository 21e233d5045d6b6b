// What went wrong, in the catalogue's words, with what to do about it.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Refused } from "../api/client";
import { catalogue, loadCatalogue } from "../api/errors";

export const toasts = signal<{ id: number; text: string }[]>([]);
let count = 0;

export function tell(text: string) {
  const id = ++count;
  toasts.value = [...toasts.value, { id, text }];
  setTimeout(() => (toasts.value = toasts.value.filter((toast) => toast.id !== id)), 6_000);
}

/** For what a button met that has no place of its own for it. */
export function report(problem: unknown) {
  const fix = problem instanceof Refused ? catalogue.value.get(problem.code)?.fix : undefined;
  const reason = problem instanceof Refused && problem.details.reason ? ` (${problem.details.reason})` : "";
  tell(problem instanceof Error ? `${problem.message}${reason}${fix ? `. ${fix}` : ""}` : String(problem));
}

export function Problem({ of }: { of: unknown }) {
  const refused = of instanceof Refused ? of : null;
  useEffect(() => {
    if (refused) void loadCatalogue();
  }, [refused]);
  if (!of) return null;
  if (!refused) return <Told title="This page has a fault" words={of instanceof Error ? of.message : String(of)} />;
  return <Told title={refused.message} words={refused.details.reason} code={refused.code} field={refused.details.field} requestId={refused.requestId} />;
}

interface ToldProps {
  title: string;
  words?: string;
  code?: string;
  field?: string;
  requestId?: string | null;
}

export function Told({ title, words, code, field, requestId }: ToldProps) {
  useEffect(() => {
    if (code) void loadCatalogue();
  }, [code]);
  const fix = code ? catalogue.value.get(code)?.fix : undefined;
  return (
    <div class="problem" role="alert">
      <strong>{title}</strong>
      {words && <p>{sentence(words)}</p>}
      {fix && <p class="fix">What helps: {fix}.</p>}
      {/* The catalogue is on its way: its line is kept free. */}
      {code && catalogue.value.size === 0 && <p class="fix">{"\u00a0"}</p>}
      {code && (
        <p class="faint">
          <code>{code}</code>
          {field && (
            <>
              {" "}
              at <code>{field}</code>
            </>
          )}
          {requestId && (
            <>
              {" · request "}
              <code>{requestId}</code>
            </>
          )}
        </p>
      )}
    </div>
  );
}

const sentence = (words: string) => words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div class="toast" key={toast.id}>
          {toast.text}
        </div>
      ))}
    </div>
  );
}
