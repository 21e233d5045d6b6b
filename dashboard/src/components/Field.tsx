import type { ComponentChildren, VNode } from "preact";
import { cloneElement } from "preact";
import { useId } from "preact/hooks";

/** A control with its label and, where it needs one, a hint. */
export function Field({ label, hint, children }: { label: string; hint?: ComponentChildren; children: VNode<Record<string, unknown>> }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {cloneElement(children, { id, "aria-describedby": hint ? `${id}-hint` : undefined })}
      {hint && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </div>
  );
}

export function Check({ label, checked, type = "checkbox", name, onChange, hint }: { label: ComponentChildren; checked: boolean; type?: "checkbox" | "radio"; name?: string; onChange: (checked: boolean) => void; hint?: string }) {
  return (
    <label class="check">
      <input type={type} name={name} checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>
        {label}
        {hint && <span class="faint"> {hint}</span>}
      </span>
    </label>
  );
}

export const typed = (set: (value: string) => void) => (event: { currentTarget: { value: string } }) => set(event.currentTarget.value);
