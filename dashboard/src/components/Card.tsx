import type { ComponentChildren } from "preact";

/** A surface with one matter on it. */
export function Card({ title, level = 2, aside, flush, children }: { title?: ComponentChildren; level?: 2 | 3; aside?: ComponentChildren; flush?: boolean; children: ComponentChildren }) {
  const Heading = level === 2 ? "h2" : "h3";
  return (
    <section class={`card ${flush ? "flush" : ""}`}>
      {title && (
        <header>
          <Heading>{title}</Heading>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

/** The head of a page: what it is, what it is for, what can be done. */
export function Head({ title, children, actions }: { title: string; children?: ComponentChildren; actions?: ComponentChildren }) {
  return (
    <header class="page-head">
      <div>
        <h1>{title}</h1>
        {children && <p>{children}</p>}
      </div>
      {actions && <div class="row grow-none">{actions}</div>}
    </header>
  );
}

/** What is shown until something is there; it takes the room that comes, so that nothing jumps. */
export function Bones() {
  return (
    <div class="bones" role="status">
      <span class="away">Loading</span>
      <span />
      <span />
      <span />
    </div>
  );
}
