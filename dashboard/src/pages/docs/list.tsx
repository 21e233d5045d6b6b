// The reference's table of contents: by tags, and by whatever words one types.
import { useEffect, useRef } from "preact/hooks";
import { catalogue } from "../../api/errors";
import { nameOf, type Document, type Operation } from "../../api/document";
import { typed } from "../../components/Field";
import { route, to } from "../../routes";
import { titled } from "./welcome";

interface Props {
  document: Document;
  all: Operation[];
  search: string;
  onSearch: (words: string) => void;
}

export function List({ document, all, search, onSearch }: Props) {
  const [, kind, name] = route.value.parts;
  const field = useRef<HTMLInputElement>(null);
  const scroll = useRef<HTMLDivElement>(null);
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (...texts: (string | undefined)[]) => wanted.every((word) => texts.some((text) => text?.toLowerCase().includes(word)));
  const here = kind === "op" ? all.find((one) => one.operationId === name)?.tag : kind === "tag" ? name : kind?.startsWith("event") ? "events" : kind?.startsWith("error") ? "errors" : undefined;
  const events = Object.entries(document.webhooks).filter(([event, { post }]) => fits(event, post.summary));
  const codes = [...catalogue.value.values()].filter((entry) => fits(entry.code, entry.description, entry.fix));
  const groups = (document.tags ?? []).map((tag) => ({ tag: tag.name, own: all.filter((one) => one.tag === tag.name && fits(one.operationId, one.operationId.replaceAll("_", " "), one.path, one.summary)) }));
  const found = groups.reduce((sum, group) => sum + group.own.length, events.length + codes.length);
  useEffect(() => {
    const slash = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || (event.target as Element).closest("input, textarea, select")) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener("keydown", slash);
    return () => removeEventListener("keydown", slash);
  }, []);
  // The chosen one is in sight, without moving the page.
  useEffect(() => {
    const chosen = scroll.current?.querySelector<HTMLElement>("[aria-current]");
    if (!chosen || !scroll.current) return;
    const top = chosen.offsetTop - scroll.current.offsetTop;
    if (top < scroll.current.scrollTop || top > scroll.current.scrollTop + scroll.current.clientHeight - 40) scroll.current.scrollTop = top - scroll.current.clientHeight / 3;
  }, [kind, name]);
  const current = (is: boolean) => (is ? ("page" as const) : undefined);
  return (
    <nav class="reference-list" aria-label="Reference">
      <input ref={field} type="search" aria-label="Search the reference" placeholder="Search   /" value={search} onInput={typed(onSearch)} />
      <div class="reference-scroll" ref={scroll} tabIndex={0} role="region" aria-label="Operations, events and errors">
        {wanted.length > 0 && (
          <p class="faint found" role="status">
            {found === 0 ? "Nothing fits." : `${found} found`}
          </p>
        )}
        {groups.map(
          ({ tag, own }) =>
            own.length > 0 && (
              <Group key={tag} title={titled(tag)} at={to("docs", "tag", tag)} open={wanted.length > 0 || here === tag} current={kind === "tag" && name === tag}>
                {own.map((one) => (
                  <li key={one.operationId}>
                    <a href={to("docs", "op", one.operationId)} aria-current={current(kind === "op" && name === one.operationId)}>
                      <span class={`verb ${one.method}`}>{one.method}</span>
                      <span>{nameOf(one)}</span>
                    </a>
                  </li>
                ))}
              </Group>
            ),
        )}
        {events.length > 0 && (
          <Group title="Events for webhooks" at={to("docs", "events")} open={wanted.length > 0 || here === "events"} current={kind === "events"}>
            {events.map(([event]) => (
              <li key={event}>
                <a href={to("docs", "event", event)} aria-current={current(kind === "event" && name === event)}>
                  {event}
                </a>
              </li>
            ))}
          </Group>
        )}
        {codes.length > 0 && (
          <Group title="Error codes" at={to("docs", "errors")} open={wanted.length > 0 || here === "errors"} current={kind === "errors"}>
            {codes.map((entry) => (
              <li key={entry.code}>
                <a href={to("docs", "error", entry.code)} aria-current={current(kind === "error" && name === entry.code)}>
                  {entry.code}
                </a>
              </li>
            ))}
          </Group>
        )}
      </div>
    </nav>
  );
}

function Group({ title, at, open, current, children }: { title: string; at: string; open: boolean; current: boolean; children: preact.ComponentChildren }) {
  return (
    <section>
      <h2>
        <a href={at} aria-current={current ? "page" : undefined}>
          {title}
        </a>
      </h2>
      {open && <ul>{children}</ul>}
    </section>
  );
}
