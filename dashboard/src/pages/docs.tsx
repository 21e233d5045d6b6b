// The reference: every operation in words with examples, the events, and every error with the way to meet it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { address, ask, Refused, root, sandboxed } from "../api/client";
import { catalogue, loadCatalogue } from "../api/errors";
import { exampleOf, loadDocument, operations, resolve, sort, type Document, type Operation, type Schema } from "../api/document";
import { useLoad } from "../api/load";
import { Badge } from "../components/Badge";
import { Button } from "../components/Button";
import { Bones, Card, Head } from "../components/Card";
import { Code } from "../components/Code";
import { Field, typed } from "../components/Field";
import { Problem } from "../components/Problem";
import { route, to } from "../routes";

export default function Docs() {
  const document = useLoad(() => loadDocument(), []);
  const [search, setSearch] = useState("");
  const [, kind, name] = route.value.parts;
  useEffect(() => void loadCatalogue(), []);
  const all = useMemo(() => (document.value ? operations(document.value) : []), [document.value]);
  const words = search.trim().toLowerCase();
  const fits = (...texts: (string | undefined)[]) => !words || texts.some((text) => text?.toLowerCase().includes(words));
  const tags = [...new Set(all.map((one) => one.tag))];
  const operation = kind === "op" ? all.find((one) => one.operationId === name) : undefined;
  const events = Object.keys(document.value?.webhooks ?? {}).filter((event) => fits(event));
  const codes = [...catalogue.value.values()].filter((entry) => fits(entry.code, entry.description, entry.fix));
  return (
    <div class={`page reference ${kind ? "chosen" : ""}`}>
      <Head title="API reference">
        {document.value ? `${document.value.info.title} ${document.value.info.version}. ` : ""}Served by this Wharf itself at <code>{address("v1").href}</code>; <a href={address("openapi.json").href}>the OpenAPI document</a> is what this page reads.
      </Head>
      <Problem of={document.problem} />
      {document.loading && <Bones />}
      {document.value && (
        <div class="reference-columns">
          <nav class="reference-list" aria-label="Reference">
            <input type="search" aria-label="Search the reference" placeholder="Search" value={search} onInput={typed(setSearch)} />
            <div class="reference-scroll" tabIndex={0} role="region" aria-label="Operations, events and errors">
              {tags.map((tag) => {
                const own = all.filter((one) => one.tag === tag && fits(one.operationId, one.path, one.summary, one.description));
                return (
                  own.length > 0 && (
                    <section>
                      <h2>{tag}</h2>
                      <ul>
                        {own.map((one) => (
                          <li>
                            <a href={to("docs", "op", one.operationId)} aria-current={one === operation ? "page" : undefined}>
                              <span class={`verb ${one.method}`}>{one.method}</span>
                              <span>{named(one)}</span>
                            </a>
                          </li>
                        ))}
                      </ul>
                    </section>
                  )
                );
              })}
              {events.length > 0 && (
                <section>
                  <h2>Events</h2>
                  <ul>
                    {events.map((event) => (
                      <li>
                        <a href={to("docs", "event", event)} aria-current={kind === "event" && name === event ? "page" : undefined}>
                          {event}
                        </a>
                      </li>
                    ))}
                  </ul>
                </section>
              )}
              {codes.length > 0 && (
                <section>
                  <h2>Errors</h2>
                  <ul>
                    {codes.map((entry) => (
                      <li>
                        <a href={to("docs", "error", entry.code)} aria-current={kind === "error" && name === entry.code ? "page" : undefined}>
                          {entry.code}
                        </a>
                      </li>
                    ))}
                  </ul>
                </section>
              )}
            </div>
          </nav>
          <div class="stack">
            <a class="to-list" href={to("docs")}>
              All of the reference
            </a>
            {operation ? (
              <Shown key={operation.operationId} document={document.value} operation={operation} />
            ) : kind === "event" && document.value.webhooks[name ?? ""] ? (
              <EventKind document={document.value} name={name!} />
            ) : kind === "error" && catalogue.value.has(name ?? "") ? (
              <ErrorCode name={name!} users={all} />
            ) : (
              <Welcome />
            )}
          </div>
        </div>
      )}
    </div>
  );
}

const named = (operation: Operation) => operation.operationId.charAt(0).toUpperCase() + operation.operationId.slice(1).replaceAll("_", " ");

/** Words of the document, in which names stand between backticks. */
function Words({ of }: { of: string | undefined }) {
  if (!of) return null;
  return <p class="words-plain">{of.split("`").map((part, at) => (at % 2 ? <code>{part}</code> : part))}</p>;
}

function Welcome() {
  const base = root.href.replace(/\/$/, "");
  return (
    <Card title="In short">
      <p>
        Every request carries a key, bodies are JSON, and every failure has a code of one table with what to do about it. A message that was accepted is on disk: it reaches a final state whatever happens.
      </p>
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
        <a class="button" href={to("docs", "error", "recipient_not_on_whatsapp")}>
          Meet an error
        </a>
      </div>
    </Card>
  );
}

const LANGUAGES = ["curl", "JavaScript", "Python"] as const;

function sample(language: (typeof LANGUAGES)[number], operation: Operation, body: unknown) {
  const base = root.href.replace(/\/$/, "");
  const url = base + operation.path;
  const json = body === undefined ? null : JSON.stringify(body, null, 2);
  if (language === "curl") return `curl${operation.method === "GET" ? "" : ` -X ${operation.method}`} '${url}' \\\n  -H "Authorization: Bearer $KEY"${json ? ` \\\n  -H 'Content-Type: application/json' \\\n  -d '${json.replaceAll("'", `'\\''`)}'` : ""}`;
  if (language === "JavaScript")
    return `const response = await fetch("${url}", {\n  method: "${operation.method}",\n  headers: { Authorization: \`Bearer \${process.env.KEY}\`${json ? ', "Content-Type": "application/json"' : ""} },${json ? `\n  body: JSON.stringify(${json.replaceAll("\n", "\n  ")}),` : ""}\n});\nconst { data, error } = await response.json();\nif (error) throw new Error(error.code);`;
  return `import os, requests\n\nanswer = requests.${operation.method.toLowerCase()}(\n    "${url}",\n    headers={"Authorization": f"Bearer {os.environ['KEY']}"},${json ? `\n    json=${json.replaceAll("\n", "\n    ").replace(/\btrue\b/g, "True").replace(/\bfalse\b/g, "False").replace(/\bnull\b/g, "None")},` : ""}\n).json()\nif not answer["success"]:\n    raise RuntimeError(answer["error"]["code"])`;
}

function Shown({ document, operation }: { document: Document; operation: Operation }) {
  const [language, setLanguage] = useState<(typeof LANGUAGES)[number]>("curl");
  const media = operation.requestBody?.content["application/json"];
  const body = exampleOf(media);
  const good = Object.entries(operation.responses).find(([status]) => status.startsWith("2"));
  const answer = good?.[1].content?.["application/json"];
  const codes = Object.entries(operation.responses)
    .filter(([status]) => !status.startsWith("2"))
    .flatMap(([status, response]) => Object.keys(response.content?.["application/json"]?.examples ?? {}).map((code) => [status, code] as const));
  return (
    <>
      <Card title={named(operation)}>
        <p class="path">
          <span class={`verb ${operation.method}`}>{operation.method}</span> <code>{operation.path}</code>
        </p>
        <p>{operation.summary}</p>
        <Words of={operation.description} />
        <div class="tabs" role="group" aria-label="Language">
          {LANGUAGES.map((one) => (
            <button aria-pressed={one === language} onClick={() => setLanguage(one)}>
              {one}
            </button>
          ))}
        </div>
        <Code text={sample(language, operation, body)} label={language} />
      </Card>
      {Boolean(operation.parameters?.length) && (
        <Card title="Parameters">
          <dl class="members">
            {operation.parameters!.map((one) => (
              <Member document={document} name={one.name} schema={one.schema ?? {}} required={one.required} where={one.in} words={one.description} />
            ))}
          </dl>
        </Card>
      )}
      {media?.schema && (
        <Card title="Body">
          <Members document={document} schema={media.schema} />
        </Card>
      )}
      {answer?.schema && (
        <Card title={`Answer ${good![0]}`}>
          {exampleOf(answer) !== undefined && <Code text={JSON.stringify(exampleOf(answer), null, 2)} label="Example of the answer" />}
          <Members document={document} schema={resolve(document, answer.schema).properties?.["data"] ?? answer.schema} />
        </Card>
      )}
      {codes.length > 0 && (
        <Card title="What can go wrong">
          <ul class="codes">
            {codes.map(([status, code]) => (
              <li>
                <span class="faint">{status}</span> <a href={to("docs", "error", code)}>{code}</a>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {operation.path.startsWith("/v1/") && <Try operation={operation} body={body} />}
    </>
  );
}

function Members({ document, schema }: { document: Document; schema: Schema }) {
  const own = resolve(document, schema.type === "array" ? schema.items : schema);
  const names = Object.keys(own.properties ?? {});
  if (names.length === 0) return <p class="soft">{sort(document, schema)}</p>;
  return (
    <dl class="members">
      {names.map((name) => (
        <Member document={document} name={name} schema={own.properties![name]!} required={own.required?.includes(name)} />
      ))}
    </dl>
  );
}

function Member({ document, name, schema, required, where, words }: { document: Document; name: string; schema: Schema; required?: boolean; where?: string; words?: string }) {
  const inner = resolve(document, schema.type === "array" ? schema.items : schema);
  const [open, setOpen] = useState(false);
  return (
    <>
      <dt>
        <code>{name}</code> {required && <Badge>needed</Badge>} {where && <span class="faint">{where}</span>}
      </dt>
      <dd>
        <span class="faint">{sort(document, schema)}</span>
        <Words of={words ?? schema.description ?? inner.description} />
        {inner.properties && (
          <>
            <Button size="small" kind="plain" expanded={open} onPress={() => setOpen(!open)}>
              {open ? "Hide its members" : "Show its members"}
            </Button>
            {open && <Members document={document} schema={inner} />}
          </>
        )}
      </dd>
    </>
  );
}

/** Sends the request as whoever is signed in. */
function Try({ operation, body }: { operation: Operation; body: unknown }) {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
  const queries = (operation.parameters ?? []).filter((one) => one.in === "query").map((one) => one.name);
  const [values, setValues] = useState<Record<string, string>>({});
  const [text, setText] = useState(body === undefined ? "" : JSON.stringify(body, null, 2));
  const [answer, setAnswer] = useState<{ status: number; text: string } | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const send = async () => {
    setProblem(null);
    setAnswer(null);
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
    try {
      const sent = text.trim() ? (JSON.parse(text) as unknown) : undefined;
      const response = await ask(operation.method, path, { body: sent, query: Object.fromEntries(queries.map((name) => [name, values[name]])) });
      const kind = response.headers.get("Content-Type") ?? "";
      setAnswer({ status: response.status, text: kind.includes("json") ? JSON.stringify(await response.json(), null, 2) : `${kind}, ${(await response.blob()).size} bytes` });
    } catch (refused) {
      setProblem(refused instanceof SyntaxError ? new Refused(0, "invalid_request", "The body is not JSON yet", { reason: refused.message }) : refused);
    }
  };
  return (
    <Card title="Try it">
      <p class="soft">{operation.method === "GET" ? "It is asked as whoever you are signed in as." : "It really happens, as whoever you are signed in as."}</p>
      <div class="filters">
        {[...names, ...queries].map((name) => (
          <Field label={name}>
            <input value={values[name] ?? ""} onInput={typed((value) => setValues({ ...values, [name]: value }))} />
          </Field>
        ))}
      </div>
      {body !== undefined && (
        <Field label="Body">
          <textarea class="mono" rows={Math.min(14, text.split("\n").length + 1)} spellcheck={false} value={text} onInput={typed(setText)} />
        </Field>
      )}
      <div class="row">
        <Button kind="main" icon="send" onPress={send}>
          Send the request
        </Button>
      </div>
      <Problem of={problem} />
      {answer && (
        <>
          <p role="status">
            <Badge tone="good">{answer.status}</Badge>
          </p>
          <Code text={answer.text} label="The answer" />
        </>
      )}
    </Card>
  );
}

function EventKind({ document, name }: { document: Document; name: string }) {
  const operation = document.webhooks[name]!.post;
  const media = operation.requestBody?.content["application/json"];
  const whole = resolve(document, media?.schema);
  const example = exampleOf(media);
  return (
    <>
      <Card title={name}>
        <Words of={operation.description} />
        {example !== undefined && <Code text={JSON.stringify(example, null, 2)} label="Example of a delivery" />}
        <p class="soft">
          Told to <a href={to("webhooks")}>webhooks</a>, to streams and in <a href={to("events")}>the log</a>.
        </p>
      </Card>
      <Card title="Its data">
        <Members document={document} schema={whole.properties?.["data"] ?? {}} />
      </Card>
    </>
  );
}

const RETRY: Record<string, string> = { no: "The same request fails again.", soon: "The same request can succeed in a moment.", after: "The same request can succeed after Retry-After.", next_day: "The same request can succeed on the next UTC day.", once_connected: "The same request can succeed once the session is connected." };

/** Requests that meet a code for its true cause, in the sandbox. */
const PROVOKE: Record<string, { method: string; path: string; body?: unknown; words: string }> = {
  session_not_found: { method: "GET", path: "v1/sessions/ses_00000000000000000000000000000000", words: "asks for a session that is not there" },
  message_not_found: { method: "GET", path: "v1/messages/msg_00000000000000000000000000000000", words: "asks for a message that is not there" },
  resource_not_found: { method: "GET", path: "v1/nothing", words: "asks for a path that is not there" },
  invalid_request: { method: "GET", path: "v1/sessions?limit=0", words: "asks for a page of no rows" },
  missing_required_parameter: { method: "POST", path: "v1/sessions", body: {}, words: "makes a session without a name" },
  invalid_parameter_type: { method: "POST", path: "v1/sessions", body: { name: 7 }, words: "names a session with a number" },
  invalid_webhook_url: { method: "POST", path: "v1/webhooks", body: { url: "nowhere", events: ["*"] }, words: "registers a webhook at no address" },
  webhook_url_unreachable: { method: "POST", path: "v1/webhooks", body: { url: "http://127.0.0.1:49151/hook", events: ["*"] }, words: "registers a webhook where nobody listens" },
  invalid_webhook_event: { method: "POST", path: "v1/webhooks", body: { url: "http://127.0.0.1:49151/hook", events: ["nothing.happened"] }, words: "registers a webhook for an event that does not exist" },
};

function ErrorCode({ name, users }: { name: string; users: Operation[] }) {
  const entry = catalogue.value.get(name)!;
  const [problem, setProblem] = useState<unknown>(null);
  const provoke = PROVOKE[name];
  const told = users.filter((one) => one.responses[String(entry.httpStatus)]?.content?.["application/json"]?.examples?.[name]);
  return (
    <Card title={<code>{entry.code}</code>} aside={<Badge tone="bad">{entry.httpStatus}</Badge>}>
      <p>{entry.description}.</p>
      <p>
        <strong>What helps:</strong> {entry.fix}.
      </p>
      <p class="soft">{RETRY[entry.retry]}</p>
      <h3>Meet it</h3>
      {provoke ? (
        <>
          <Button
            onPress={async () => {
              setProblem(null);
              await ask(provoke.method, provoke.path.split("?")[0]!, { body: provoke.body, query: Object.fromEntries(new URLSearchParams(provoke.path.split("?")[1] ?? "")) }).then(() => undefined, setProblem);
            }}
          >
            Provoke it
          </Button>
          <p class="faint">Sends a request that {provoke.words}.</p>
        </>
      ) : sandboxed ? (
        <p class="soft">
          The numbers and faults of the <a href={to("phones")}>pretend phones</a> lead to this code; the line for a terminal stands in docs/reference/provoke.md.
        </p>
      ) : (
        <p class="soft">The sandbox meets it without a phone: docs/reference/provoke.md has the line.</p>
      )}
      <Problem of={problem} />
      {told.length > 0 && (
        <>
          <h3>Operations that may answer it</h3>
          <ul class="codes">
            {told.map((one) => (
              <li>
                <a href={to("docs", "op", one.operationId)}>{one.operationId.replaceAll("_", " ")}</a>
              </li>
            ))}
          </ul>
        </>
      )}
    </Card>
  );
}
