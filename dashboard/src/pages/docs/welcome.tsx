// Where the reference begins, and the table of each of its parts.
import { root } from "../../api/client";
import { nameOf, type Document, type Operation } from "../../api/document";
import { Card } from "../../components/Card";
import { Code } from "../../components/Code";
import { to } from "../../routes";
import { Words } from "./members";

export function Welcome({ document, all }: { document: Document; all: Operation[] }) {
  const base = root.href.replace(/\/$/, "");
  return (
    <>
      <Card title="In short">
        <p>Every request carries a key, bodies are JSON, and every failure has a code of one table with what to do about it. A message that was accepted is on disk: it reaches a final state whatever happens.</p>
        <Code text={`curl -X POST '${base}/v1/messages/text' \\\n  -H "Authorization: Bearer $KEY" \\\n  -H 'Content-Type: application/json' \\\n  -d '{"sessionId":"ses_…","to":"15550001001","text":"Hello"}'`} label="A first request" />
        <div class="row">
          <a class="button main" href={to("docs", "op", "create_session")}>
            Make a session
          </a>
          <a class="button" href={to("docs", "op", "send_text")}>
            Send a text
          </a>
          <a class="button" href={to("docs", "event", "message.received")}>
            Receive one
          </a>
          <a class="button" href={to("docs", "errors")}>
            When it fails
          </a>
        </div>
      </Card>
      <Card title="What holds everywhere">
        <Words of={document.info.description} />
        <dl class="pairs">
          <dt>Pages</dt>
          <dd>
            Lists take <code>limit</code> and <code>cursor</code>; <code>page.next</code> is the cursor of the next page, and null at the end.
          </dd>
          <dt>Once only</dt>
          <dd>
            With <code>Idempotency-Key</code> a request that is sent again is answered as the first time, and done once.
          </dd>
          <dt>Limits</dt>
          <dd>
            <code>X-RateLimit-Remaining</code> says how many calls are left, <code>Retry-After</code> how many seconds to wait.
          </dd>
        </dl>
      </Card>
      <div class="columns">
        {(document.tags ?? []).map((tag) => (
          <Card key={tag.name} level={3} title={<a href={to("docs", "tag", tag.name)}>{titled(tag.name)}</a>}>
            <p class="soft">{tag.description}</p>
            <p class="faint">{counted(all.filter((one) => one.tag === tag.name).length)}</p>
          </Card>
        ))}
      </div>
    </>
  );
}

const counted = (count: number) => `${count} ${count === 1 ? "operation" : "operations"}`;

export const titled = (tag: string) => tag.charAt(0).toUpperCase() + tag.slice(1);

export function TagPage({ document, tag, all }: { document: Document; tag: string; all: Operation[] }) {
  return (
    <Card title={titled(tag)}>
      <p class="soft">{document.tags?.find((one) => one.name === tag)?.description}</p>
      <dl class="members">
        {all
          .filter((one) => one.tag === tag)
          .map((one) => (
            <>
              <dt>
                <span class={`verb ${one.method}`}>{one.method}</span>
                <a href={to("docs", "op", one.operationId)}>{nameOf(one)}</a>
              </dt>
              <dd>
                {one.summary} <code class="faint">{one.path}</code>
              </dd>
            </>
          ))}
      </dl>
    </Card>
  );
}
