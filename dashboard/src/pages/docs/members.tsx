// The members of a body, an answer or an event, each with its sort, its limits, its unit and what it means.
import { useState } from "preact/hooks";
import type { Document, Schema } from "../../api/document";
import { resolve } from "../../api/document";
import { inside, limits, mayBeNull, sort, unit, words } from "../../api/schema-words";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";

/** Words of the document, in which names stand between backticks. */
export function Words({ of }: { of: string | undefined }) {
  if (!of) return null;
  return <p class="words-plain">{of.split("`").map((part, at) => (at % 2 ? <code>{part}</code> : part))}</p>;
}

export function Members({ document, schema, asked }: { document: Document; schema: Schema; asked?: boolean }) {
  const own = inside(document, schema);
  if (!own) return <p class="soft">{sort(document, schema)}</p>;
  const names = Object.keys(own.properties ?? {});
  if (names.length === 0) return <p class="soft">Nothing has to stand in it.</p>;
  const needed = (name: string) => Boolean(own.required?.includes(name));
  // What has to be there comes first; the rest stays as the document has it.
  names.sort((one, other) => Number(needed(other)) - Number(needed(one)));
  return (
    <dl class="members">
      {names.map((name) => (
        <Member key={name} document={document} name={name} schema={own.properties![name]!} required={needed(name)} asked={asked} />
      ))}
    </dl>
  );
}

interface Props {
  document: Document;
  name: string;
  schema: Schema;
  required?: boolean;
  where?: string;
  means?: string;
  /** In what is asked for a member is needed or not; in what is answered it is always or sometimes there. */
  asked?: boolean;
}

export function Member({ document, name, schema, required, where, means, asked }: Props) {
  const [open, setOpen] = useState(false);
  const deeper = inside(document, schema);
  const choice = words(document, schema);
  const range = limits(document, schema);
  const of = unit(name, resolve(document, schema));
  const facts = [sort(document, schema), [range, of].filter(Boolean).join(" "), mayBeNull(schema) && "may be null"].filter(Boolean);
  return (
    <>
      <dt>
        <code>{name}</code>
        {required ? <Badge tone={asked ? "note" : ""}>{asked ? "needed" : "always"}</Badge> : <span class="faint">{asked ? "may be left out" : "where there is one"}</span>}
        {where && <span class="faint">{where}</span>}
      </dt>
      <dd>
        <p class="faint">{facts.join(" · ")}</p>
        {choice.length > 0 && (
          <p class="choice">
            {choice.map((word) => (
              <code>{String(word)}</code>
            ))}
          </p>
        )}
        <Words of={means ?? schema.description ?? resolve(document, schema).description} />
        {deeper && (
          <>
            <Button size="small" kind="plain" expanded={open} onPress={() => setOpen(!open)}>
              {open ? "Hide its members" : "Show its members"}
            </Button>
            {open && <Members document={document} schema={deeper} asked={asked} />}
          </>
        )}
      </dd>
    </>
  );
}
