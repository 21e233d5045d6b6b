// «Try it»: the operation's form, sent as whoever is signed in, with the answer as it came.
import { useEffect, useState } from "preact/hooks";
import { exchange, may, me, page, Refused, signInWith, type Schemas } from "../../api/client";
import { exampleOf, resolve, type Document, type Operation, type Parameter } from "../../api/document";
import { words } from "../../api/schema-words";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";
import { Card } from "../../components/Card";
import { Code } from "../../components/Code";
import { Field, typed } from "../../components/Field";
import { Problem } from "../../components/Problem";
import { bytes, number } from "../../components/Time";
import { to } from "../../routes";

interface Answered {
  status: number;
  ms: number;
  headers: [string, string][];
  text: string;
}

export function Attempt({ operation, document }: { operation: Operation; document: Document }) {
  const free = operation.security?.length === 0;
  const permission = operation["x-permission"];
  const isOperators = operation.tag === "admin";
  const allowed = !me.value || ((!permission || may(permission)) && (!isOperators || me.value.operator));
  return (
    <Card title="Try it">
      {!allowed ? <p class="soft">Your role may not do this: {isOperators ? "it is the operator's" : <>it needs <code>{permission}</code></>}.</p> : me.value || free ? <Form operation={operation} document={document} /> : <KeyFirst />}
    </Card>
  );
}

/** The open reference needs somebody: by the dashboard's log-in, or by a key that this page forgets. */
function KeyFirst() {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<unknown>(null);
  const enter = async (event: SubmitEvent) => {
    event.preventDefault();
    await signInWith(key).catch(setProblem);
  };
  return (
    <form class="stack tight" onSubmit={enter}>
      <p class="soft">
        Give a key, which stays in this page's memory, or <a href={to("start")}>sign in to the dashboard</a> and come back.
      </p>
      <div class="filters">
        <Field label="API key">
          <input type="password" autocomplete="off" spellcheck={false} required value={key} onInput={typed(setKey)} />
        </Field>
        <Button type="submit" kind="main">
          Use it
        </Button>
      </div>
      <Problem of={problem} />
    </form>
  );
}

/** Ids of examples stand for one's own; where there is a session, its id is put in at once. */
const own = (text: string, session: string | undefined) => (session ? text.replace(/ses_0{31}1/g, session) : text);

function Form({ operation, document }: { operation: Operation; document: Document }) {
  const body = exampleOf(operation.requestBody?.content["application/json"]);
  const takesFile = body === undefined && Boolean(operation.requestBody?.content["application/octet-stream"]);
  const asked = (operation.parameters ?? []).filter((one) => one.name !== "last_event_id");
  const [values, setValues] = useState<Record<string, string>>({});
  const [text, setText] = useState(body === undefined ? "" : JSON.stringify(body, null, 2));
  const [file, setFile] = useState<File | null>(null);
  const [sessions, setSessions] = useState<Schemas["Session"][]>([]);
  const [answer, setAnswer] = useState<Answered | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    if (!me.value?.accountId || !may("sessions:read")) return;
    void page<Schemas["Session"]>("v1/sessions", { limit: 50 }).then(({ data }) => {
      setSessions(data);
      const first = data.find((one) => one.status === "connected") ?? data[0];
      if (!first) return;
      setText((before) => own(before, first.sessionId));
      if (asked.some((one) => one.name === "sessionId" && one.required)) setValues((before) => ({ sessionId: first.sessionId, ...before }));
    }, () => undefined);
  }, []);
  const of = (place: Parameter["in"]) => asked.filter((one) => one.in === place);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    setProblem(null);
    setAnswer(null);
    const path = operation.path.slice(1).replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
    const from = performance.now();
    try {
      const response = await exchange(operation.method, path, {
        body: text.trim() ? (JSON.parse(text) as unknown) : undefined,
        file: file ?? undefined,
        query: Object.fromEntries(of("query").map((one) => [one.name, values[one.name]])),
        headers: Object.fromEntries(of("header").flatMap((one) => (values[one.name] ? [[one.name, values[one.name]!]] : []))),
      });
      const kind = response.headers.get("Content-Type") ?? "";
      const blob = await response.blob();
      const shown = kind.includes("json") ? JSON.stringify(JSON.parse(await blob.text()), null, 2) : kind.startsWith("text/") ? await blob.text() : blob.size ? `${kind}, ${bytes(blob.size)}` : "";
      setAnswer({ status: response.status, ms: performance.now() - from, headers: [...response.headers], text: shown.length > 100_000 ? `${shown.slice(0, 100_000)}\n…` : shown });
    } catch (refused) {
      setProblem(refused instanceof SyntaxError ? new Refused(0, "invalid_request", "The body is not JSON yet", { reason: refused.message }) : refused);
    }
  };
  return (
    <form class="stack" onSubmit={send}>
      <p class="soft">
        {operation.method === "GET" ? "It is asked" : "It really happens,"} as {me.value ? <strong>{me.value.name}</strong> : "nobody in particular"}.
      </p>
      {asked.length > 0 && (
        <div class="filters">
          {asked.map((one) => (
            <Input key={`${one.in} ${one.name}`} document={document} of={one} sessions={sessions} value={values[one.name] ?? ""} onChange={(value) => setValues((before) => ({ ...before, [one.name]: value }))} />
          ))}
        </div>
      )}
      {body !== undefined && (
        <Field label="Body">
          <textarea class="mono" rows={Math.min(16, text.split("\n").length + 1)} spellcheck={false} value={text} onInput={typed(setText)} />
        </Field>
      )}
      {takesFile && (
        <Field label="File">
          <input type="file" onChange={(event: { currentTarget: HTMLInputElement }) => setFile(event.currentTarget.files?.[0] ?? null)} />
        </Field>
      )}
      <div class="row">
        <Button type="submit" kind="main" icon="send">
          Send the request
        </Button>
      </div>
      <Problem of={problem} />
      {answer && <Answer of={answer} />}
    </form>
  );
}

function Input({ document, of, sessions, value, onChange }: { document: Document; of: Parameter; sessions: Schemas["Session"][]; value: string; onChange: (value: string) => void }) {
  const choice = words(document, of.schema ?? {});
  const label = `${of.name}${of.required ? "" : " (optional)"}`;
  if (of.name === "sessionId" && sessions.length > 0) {
    return (
      <Field label={label}>
        <select required={of.required} value={value} onChange={typed(onChange)}>
          <option value="">{of.required ? "choose" : "none"}</option>
          {sessions.map((session) => (
            <option value={session.sessionId}>{session.name}</option>
          ))}
        </select>
      </Field>
    );
  }
  if (choice.length > 0) {
    return (
      <Field label={label}>
        <select required={of.required} value={value} onChange={typed(onChange)}>
          <option value="">{of.required ? "choose" : "not said"}</option>
          {choice.map((word) => (
            <option>{String(word)}</option>
          ))}
        </select>
      </Field>
    );
  }
  const schema = resolve(document, of.schema);
  const isNumber = [schema.type].flat().includes("integer");
  return (
    <Field label={label}>
      <input required={of.required} inputMode={isNumber ? "numeric" : undefined} placeholder={of.example === undefined || String(of.example).startsWith("{{") ? "" : String(of.example)} value={value} onInput={typed(onChange)} />
    </Field>
  );
}

export function Answer({ of: { status, ms, headers, text } }: { of: Answered }) {
  return (
    <>
      <p role="status" class="row">
        <Badge tone={status < 400 ? "good" : "bad"}>{status}</Badge> <span class="faint">{number(Math.round(ms))} ms</span>
      </p>
      {text && <Code text={text} label="The answer" />}
      <details class="fold">
        <summary>Its headers</summary>
        <Code text={headers.map(([name, value]) => `${name}: ${value}`).join("\n")} label="Headers of the answer" />
      </details>
    </>
  );
}
