import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Button } from "./Button";

/** The browser's own dialog: it keeps the focus inside, and Escape closes it. */
export function Dialog({ title, wide, onClose, children }: { title: string; wide?: boolean; onClose: () => void; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current!;
    if (!dialog.open) dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog ref={element} class={wide ? "wide" : ""} aria-labelledby={id} onCancel={(event) => (event.preventDefault(), onClose())}>
      <div class="stack">
        <header>
          <h2 id={id}>{title}</h2>
          <Button icon="close" label="Close" kind="plain" onPress={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** Asks before what cannot be taken back, and says what it means. */
export function Confirm({ title, word, children, onYes, onClose }: { title: string; word: string; children: ComponentChildren; onYes: () => Promise<unknown>; onClose: () => void }) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="stack tight">{children}</div>
      <div class="row end">
        <Button onPress={onClose}>Leave it as it is</Button>
        <Button kind="danger" onPress={async () => (await onYes(), onClose())}>
          {word}
        </Button>
      </div>
    </Dialog>
  );
}
