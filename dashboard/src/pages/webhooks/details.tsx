// One webhook: its state, what can be done to it, and what was delivered there.
import { useState } from "preact/hooks";
import { act, patch, post, remove, type Schemas } from "../../api/client";
import { Button } from "../../components/Button";
import { Card, Head } from "../../components/Card";
import { Secret } from "../../components/Code";
import { Confirm, Dialog } from "../../components/Dialog";
import { Field, typed } from "../../components/Field";
import { HookState } from "../../components/HookState";
import { Problem, tell, Told } from "../../components/Problem";
import { number, Time } from "../../components/Time";
import { settle, to } from "../../routes";
import { Deliveries } from "./deliveries";

type Webhook = Schemas["Webhook"];
type Choice = Schemas["EventChoice"];

const DISABLED = { requested: "switched off by you", gone: "its server answered 410: gone for good", failing: "five days of nothing but failures" };

export function Details({ hook, secret, onSecret, onSeen, onChange }: { hook: Webhook; secret: string | null; onSecret: (secret: string) => void; onSeen: () => void; onChange: () => void }) {
  const path = `v1/webhooks/${hook.webhookId}`;
  const [looks, setLooks] = useState(0);
  const [asks, setAsks] = useState<"delete" | "recover" | null>(null);
  const [tested, setTested] = useState<unknown>(null);
  const [since, setSince] = useState(() => new Date(Date.now() - 3_600_000).toISOString().slice(0, 16));
  const again = () => {
    onChange();
    setLooks((before) => before + 1);
  };
  return (
    <div class="page">
      <Head title="Webhook" actions={<HookState hook={hook} />}>
        <a href={to("webhooks")}>All webhooks</a>
      </Head>
      <Card title={<span class="wrap">{hook.url}</span>}>
        {secret && (
          <div class="problem note">
            <strong>The secret that signs its deliveries</strong>
            <p>Copy it now: it is never shown again.</p>
            <Secret text={secret} label="Copy the secret" />
            <div class="row">
              <Button size="small" onPress={onSeen}>
                I have it
              </Button>
            </div>
          </div>
        )}
        {!hook.enabled && <Told title="It is off" words={hook.disabledReason ? DISABLED[hook.disabledReason] : undefined} />}
        {hook.enabled && hook.failingSince && <Told title="Nothing gets through" words={`Since ${new Date(hook.failingSince).toLocaleString()}. The tries below say why.`} />}
        <Problem of={tested} />
        <dl class="pairs">
          <dt>Events</dt>
          <dd>{hook.events.includes("*" as Choice) ? "all" : hook.events.join(", ")}</dd>
          <dt>Time for an answer</dt>
          <dd>{number(hook.timeoutSeconds)} s</dd>
          <dt>Made</dt>
          <dd>
            <Time at={hook.createdAt} />
          </dd>
          <dt>Id</dt>
          <dd>
            <code>{hook.webhookId}</code>
          </dd>
        </dl>
        <footer>
          <Button
            kind="main"
            onPress={async () => {
              setTested(null);
              try {
                const done = await act<Schemas["WebhookTested"]>(`${path}/test`);
                tell(`It answered ${done.httpStatus} after ${number(done.durationMs)} ms`);
              } catch (refused) {
                setTested(refused);
              }
            }}
          >
            Send a test
          </Button>
          <Button onPress={async () => (await patch(path, { enabled: !hook.enabled }), again())}>{hook.enabled ? "Pause it" : "Switch it on"}</Button>
          <Button onPress={() => setAsks("recover")}>Send everything since…</Button>
          <Button onPress={async () => (onSecret((await post<{ secret: string }>(`${path}/rotate-secret`)).secret), onChange())}>New secret</Button>
          <Button kind="danger" icon="bin" onPress={() => setAsks("delete")}>
            Delete
          </Button>
        </footer>
      </Card>
      <Deliveries path={path} look={looks} />
      {asks === "delete" && (
        <Confirm title="Delete this webhook?" word="Delete" onClose={() => setAsks(null)} onYes={async () => (await remove(path), onChange(), settle("webhooks"))}>
          <p>Nothing more is sent there, and what is pending is forgotten. The event log keeps what happened.</p>
        </Confirm>
      )}
      {asks === "recover" && (
        <Dialog title="Send everything since" onClose={() => setAsks(null)}>
          <p>Everything that this webhook wants, was written since then and did not arrive goes out, also what happened while it was off.</p>
          <Field label="Since">
            <input type="datetime-local" value={since} onInput={typed(setSince)} />
          </Field>
          <div class="row end">
            <Button
              kind="main"
              onPress={async () => {
                const done = await post<Schemas["Recovered"]>(`${path}/recover`, { since: new Date(since).toISOString() });
                tell(`${number(done.deliveries)} deliveries go out`);
                setAsks(null);
                again();
              }}
            >
              Send them
            </Button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
