// One code of the catalogue, the operations that answer it, and a button that brings it about in the sandbox.
import { useRef, useState } from "preact/hooks";
import { me, sandboxed, type Schemas } from "../../api/client";
import { catalogue } from "../../api/errors";
import { codesOf, nameOf, type Operation } from "../../api/document";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";
import { Card } from "../../components/Card";
import { Code } from "../../components/Code";
import { Field, typed } from "../../components/Field";
import { Problem, Told } from "../../components/Problem";
import { to } from "../../routes";
import { Lab, type Step, type Told as Answered } from "./lab";
import { LINES, WAYS } from "./provoke";

export const RETRY: Record<Schemas["ErrorEntry"]["retry"], string> = {
  no: "The same request fails again.",
  soon: "The same request can succeed in a moment.",
  after: "The same request can succeed after the seconds that Retry-After says.",
  next_day: "The same request can succeed on the next day, by UTC.",
  once_connected: "The same request can succeed once the session is connected.",
};

export function ErrorPage({ name, all }: { name: string; all: Operation[] }) {
  const entry = catalogue.value.get(name)!;
  const told = all.filter((one) => codesOf(one).some(({ code }) => code === name));
  return (
    <>
      <Card title={<code>{entry.code}</code>} aside={<Badge tone="bad">{entry.httpStatus}</Badge>}>
        <p class="lead">{entry.description}.</p>
        <p>
          <strong>What helps:</strong> {entry.fix}.
        </p>
        <p class="soft">{RETRY[entry.retry]}</p>
        <Code text={JSON.stringify({ success: false, error: { code: entry.code, message: entry.description, details: {} } }, null, 2)} label="The answer" />
      </Card>
      <Provoke key={name} code={entry.code} />
      {told.length > 0 && (
        <Card title="Operations that may answer it">
          <ul class="codes">
            {told.map((one) => (
              <li>
                <a href={to("docs", "op", one.operationId)}>{nameOf(one)}</a>
              </li>
            ))}
          </ul>
        </Card>
      )}
    </>
  );
}

function Provoke({ code }: { code: Schemas["ErrorCode"] }) {
  const way = WAYS[code];
  const line = LINES.get(code);
  const [steps, setSteps] = useState<Step[]>([]);
  const [met, setMet] = useState<Answered | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [operatorKey, setOperatorKey] = useState("");
  const lab = useRef<Lab | null>(null);
  const needsKey = way.needsOperator && !me.value?.operator;
  const run = async () => {
    setMet(null);
    setProblem(null);
    const own = (lab.current = new Lab(operatorKey, () => setSteps([...own.steps])));
    try {
      setMet(await way.run(own));
    } catch (failed) {
      setProblem(failed);
    } finally {
      await own.tidy();
    }
  };
  return (
    <Card title="Provoke it">
      {line && <p>{line.cause}</p>}
      {!sandboxed ? (
        <p class="soft">The sandbox does this by a click. Its line for a terminal is below.</p>
      ) : !me.value ? (
        <p>
          <a href={to("start")}>Sign in to the dashboard</a>, and it is done here by a click.
        </p>
      ) : me.value.role === "read_only" ? (
        <p class="soft">Your role only reads, and this sends something. Its line for a terminal is below.</p>
      ) : (
        <>
          {needsKey && (
            <Field label="The operator's key" hint="The sandbox printed it. It is needed for a plan that is small enough, and forgotten with this page.">
              <input type="password" autocomplete="off" spellcheck={false} value={operatorKey} onInput={typed(setOperatorKey)} />
            </Field>
          )}
          <div class="row">
            <Button kind="main" icon="play" disabled={needsKey && !operatorKey} onPress={run}>
              Provoke it
            </Button>
          </div>
        </>
      )}
      {steps.length > 0 && (
        <ol class="steps-done" aria-label="What was asked">
          {steps.map((step) => (
            <li>
              <span>
                {step.words} <span class="faint">{step.method}</span> <code class="faint">{step.path}</code>
              </span>
              {step.status === undefined ? <Badge>…</Badge> : <Badge tone={step.status < 400 ? "good" : step.code === code ? "note" : "bad"}>{step.code ?? step.status}</Badge>}
            </li>
          ))}
        </ol>
      )}
      <div class="stack tight" role="status">
        {met && (met.json.error?.code === code ? <Code text={JSON.stringify(met.json, null, 2)} label={`The answer, ${met.status}`} /> : <Told title="Something else came" words={met.json.error?.message ?? `It was answered with ${met.status}`} code={met.json.error?.code} />)}
      </div>
      <Problem of={problem} />
      {line && (
        <details class="fold" open={!sandboxed}>
          <summary>At a terminal</summary>
          <Code text={line.line} label="The line for a terminal" />
          <p class="faint">
            After <code>. scripts/sandbox-env sandbox.json</code>, which names what stands behind the dollars.
          </p>
        </details>
      )}
    </Card>
  );
}

/** The whole catalogue at a glance. */
export function ErrorTable() {
  const groups = new Map<string, Schemas["ErrorEntry"][]>();
  for (const entry of catalogue.value.values()) groups.set(entry.group, [...(groups.get(entry.group) ?? []), entry]);
  return (
    <>
      {[...groups].map(([group, entries]) => (
        <Card key={group} title={GROUPS[group] ?? group}>
          <dl class="members">
            {entries.map((entry) => (
              <>
                <dt>
                  <a href={to("docs", "error", entry.code)}>
                    <code>{entry.code}</code>
                  </a>
                  <Badge tone={entry.httpStatus < 500 ? "" : "bad"}>{entry.httpStatus}</Badge>
                  {entry.retryable && <Badge tone="wait">try again</Badge>}
                </dt>
                <dd>
                  {entry.description}. <span class="soft">{entry.fix}.</span>
                </dd>
              </>
            ))}
          </dl>
        </Card>
      ))}
    </>
  );
}

const GROUPS: Record<string, string> = { authentication: "Keys", session: "Sessions", message: "Messages", webhook: "Webhooks", rate_limiting: "Limits", general: "Every request", additive: "More of every request" };
