// What a form does besides its fields: it waits, says what was refused, and cannot be sent twice meanwhile.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Button } from "./Button";
import { Problem } from "./Problem";

interface Props {
  /** What the button says. */
  word: string;
  disabled?: boolean;
  kind?: "main" | "danger";
  children: ComponentChildren;
  beside?: ComponentChildren;
  onSubmit: () => Promise<unknown>;
}

export function Form({ word, disabled, kind = "main", children, beside, onSubmit }: Props) {
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await onSubmit();
    } catch (refused) {
      setProblem(refused);
    }
    setBusy(false);
  };
  return (
    <form class="stack" onSubmit={submit}>
      {children}
      <Problem of={problem} />
      <div class="row end">
        {beside}
        <Button type="submit" kind={kind} busy={busy} disabled={disabled}>
          {word}
        </Button>
      </div>
    </form>
  );
}
