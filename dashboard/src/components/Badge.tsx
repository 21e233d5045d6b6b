// A state in a word and a colour; the word alone says all of it.
export type Tone = "good" | "wait" | "bad" | "note" | "";

export function Badge({ tone = "", dot, beating, children }: { tone?: Tone; dot?: boolean; beating?: boolean; children: preact.ComponentChildren }) {
  return (
    <span class={`badge ${tone} ${beating ? "beating" : ""}`}>
      {dot && <span class="dot" />}
      {children}
    </span>
  );
}
