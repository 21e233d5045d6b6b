// Where events are delivered: register, see every try, send again.
import { useEffect, useRef, useState } from "preact/hooks";
import { act, page, patch, post, remove, sandboxed, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Badge, type Tone } from "../components/Badge";
import { Button } from "../components/Button";
import { Bones, Card, Head } from "../components/Card";
import { Code, curl, Secret } from "../components/Code";
import { Confirm, Dialog } from "../components/Dialog";
import { Empty } from "../components/Empty";
import { Check, Field, typed } from "../components/Field";
import { Problem, tell, Told } from "../components/Problem";
import { Table } from "../components/Table";
import { number, Time } from "../components/Time";
import { route, settle, to } from "../routes";

type Webhook = Schemas["Webhook"];
type Delivery = Schemas["Delivery"];
type Session = Schemas["Session"];
type Choice = Schemas["EventChoice"];

const EVENTS: Choice[] = ["message.received", "message.status", "message.reaction", "message.edited", "message.deleted", "poll.vote", "session.status", "session.qr", "group.updated", "call.received", "status.received", "usage.warning", "webhook.disabled"];
const DISABLED = { requested: "switched off by you", gone: "its server answered 410: gone for good", failing: "five days of nothing but failures" };

export default function Webhooks() {
  const hooks = useLoad((signal) => page<Webhook>("v1/webhooks", { limit: 200 }, signal), [], (event) => event.event === "webhook.disabled");
  const sessions = useLoad((signal) => page<Session>("v1/sessions", { limit: 200 }, signal).catch(() => ({ data: [] as Session[], next: null })), []);
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const open = hooks.value?.data.find((hook) => hook.webhookId === route.value.parts[1]);
  if (open) return <Details key={open.webhookId} hook={open} onSecret={setSecret} secret={secret} onChange={hooks.again} onSeen={() => setSecret(null)} />;
  return (
    <div class="page">
      <Head
        title="Webhooks"
        actions={
          <Button kind="main" icon="plus" onPress={() => setMaking(true)}>
            New webhook
          </Button>
        }
      >
        Your server is told what happens, signed, at least once, and again until it answers.
      </Head>
      <Problem of={hooks.problem} />
      {hooks.loading && <Bones />}
      {hooks.value?.data.length === 0 && (
        <Empty icon="webhooks" title="No webhook yet">
          <p>Give an address that takes a POST. It is tried at once, and you see exactly why where it does not answer.</p>
          <Button kind="main" icon="plus" onPress={() => setMaking(true)}>
            Register the first
          </Button>
        </Empty>
      )}
      {hooks.value && hooks.value.data.length > 0 && (
        <Card flush>
          <Table
            caption="Webhooks"
            rows={hooks.value.data}
            id={(hook) => hook.webhookId}
            columns={[
              {
                name: "Address",
                cell: (hook) => (
                  <>
                    <a href={to("webhooks", hook.webhookId)}>{hook.url}</a>
                    {hook.description && <p class="faint">{hook.description}</p>}
                  </>
                ),
              },
              { name: "Events", short: "Events", cell: (hook) => (hook.events.includes("*" as Choice) ? "all" : hook.events.join(", ")) },
              { name: "Session", short: "Session", cell: (hook) => (hook.sessionId ? (sessions.value?.data.find((session) => session.sessionId === hook.sessionId)?.name ?? hook.sessionId) : "all") },
              { name: "State", cell: (hook) => <State hook={hook} /> },
            ]}
          />
        </Card>
      )}
      {making && <Create sessions={sessions.value?.data ?? []} onClose={() => setMaking(false)} onMade={(made) => (setMaking(false), setSecret(made.secret), hooks.again(), settle("webhooks", made.webhookId))} />}
    </div>
  );
}

function State({ hook }: { hook: Webhook }) {
  if (!hook.enabled) return <Badge tone="bad">off</Badge>;
  return hook.failingSince ? (
    <Badge tone="wait" dot>
      failing
    </Badge>
  ) : (
    <Badge tone="good" dot>
      on
    </Badge>
  );
}

function Create({ sessions, onClose, onMade }: { sessions: Session[]; onClose: () => void; onMade: (made: Schemas["CreatedWebhook"]) => void }) {
  const [url, setUrl] = useState("");
  const [all, setAll] = useState(true);
  const [events, setEvents] = useState<Set<Choice>>(new Set(["message.received", "message.status"]));
  const [sessionId, setSession] = useState("");
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const make = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      onMade(await post("v1/webhooks", { url, events: all ? ["*"] : EVENTS.filter((one) => events.has(one)), ...(sessionId && { sessionId }) }));
    } catch (refused) {
      setProblem(refused);
      setBusy(false);
    }
  };
  return (
    <Dialog title="New webhook" wide onClose={onClose}>
      <form class="stack" onSubmit={make}>
        <Field label="Address" hint={sandboxed ? "In the sandbox an address of this machine, such as http://127.0.0.1:9000/hook. The pretend network has one that always answers: /control/hooks/ok at the phones' port." : "It gets a signed test before the webhook is made, and has five seconds to answer 2xx."}>
          <input name="url" type="url" required placeholder="https://example.com/hook" value={url} onInput={typed(setUrl)} />
        </Field>
        <fieldset class="field">
          <legend>Events</legend>
          <Check type="radio" name="events" label="Everything" checked={all} onChange={() => setAll(true)} />
          <Check type="radio" name="events" label="Only these" checked={!all} onChange={() => setAll(false)} />
          {!all && (
            <div class="checks">
              {EVENTS.map((one) => (
                <Check
                  label={<code>{one}</code>}
                  checked={events.has(one)}
                  onChange={(on) => {
                    const next = new Set(events);
                    if (on) next.add(one);
                    else next.delete(one);
                    setEvents(next);
                  }}
                />
              ))}
            </div>
          )}
        </fieldset>
        <Field label="Session">
          <select value={sessionId} onChange={typed(setSession)}>
            <option value="">all</option>
            {sessions.map((session) => (
              <option value={session.sessionId}>{session.name}</option>
            ))}
          </select>
        </Field>
        <Problem of={problem} />
        <div class="row end">
          <Button type="submit" kind="main" busy={busy}>
            Try the address and register it
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Details({ hook, secret, onSecret, onSeen, onChange }: { hook: Webhook; secret: string | null; onSecret: (secret: string) => void; onSeen: () => void; onChange: () => void }) {
  const path = `v1/webhooks/${hook.webhookId}`;
  const [status, setStatus] = useState("");
  const deliveries = useLoad((signal) => page<Delivery>(`${path}/deliveries`, { status, limit: 50 }, signal), [status], () => true);
  // No event tells that a delivery arrived: what is on its way is looked at again, with growing pauses.
  const pause = useRef(1_000);
  useEffect(() => {
    const waits = deliveries.value?.data.some((one) => one.status === "pending");
    if (!waits) {
      pause.current = 1_000;
      return;
    }
    const timer = setTimeout(deliveries.again, pause.current);
    pause.current = Math.min(pause.current * 1.5, 120_000);
    return () => clearTimeout(timer);
  }, [deliveries.value]);
  const [asks, setAsks] = useState<"delete" | "recover" | null>(null);
  const [open, setOpen] = useState<Delivery | null>(null);
  const [tested, setTested] = useState<unknown>(null);
  const [since, setSince] = useState(() => new Date(Date.now() - 3_600_000).toISOString().slice(0, 16));
  const again = () => {
    onChange();
    deliveries.again();
  };
  return (
    <div class="page">
      <Head title="Webhook" actions={<State hook={hook} />}>
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
      <Card
        title="Deliveries"
        flush
        aside={
          <>
            <select class="short" aria-label="State" value={status} onChange={typed(setStatus)}>
              <option value="">all</option>
              <option value="delivered">delivered</option>
              <option value="pending">pending</option>
              <option value="failed">failed</option>
            </select>
            <Button size="small" icon="turn" label="Look again" onPress={deliveries.again} />
          </>
        }
      >
        <Problem of={deliveries.problem} />
        {deliveries.value?.data.length === 0 && (
          <Empty icon="webhooks" title="Nothing was delivered yet" bare>
            <p>Deliveries appear as soon as something happens.</p>
          </Empty>
        )}
        {deliveries.value && deliveries.value.data.length > 0 && (
          <Table
            caption="Deliveries"
            rows={deliveries.value.data}
            id={(one) => one.deliveryId}
            columns={[
              { name: "When", kind: "nowrap", cell: (one) => <Time at={one.createdAt} /> },
              { name: "Event", cell: (one) => <code>{one.event}</code> },
              { name: "State", cell: (one) => <Badge tone={TONES[one.status]}>{one.status}</Badge> },
              { name: "Tries", short: "Tries", kind: "number", cell: (one) => number(one.attempts.length) },
              { name: "Last answer", short: "Last answer", cell: (one) => answer(one) },
              {
                name: "Actions",
                kind: "actions",
                cell: (one) => (
                  <div class="row end">
                    <Button size="small" onPress={() => setOpen(one)}>
                      Tries
                    </Button>
                    <Button size="small" onPress={async () => (await act(`${path}/deliveries/${one.deliveryId}/retry`), deliveries.again(), tell("It is sent again"))}>
                      Send again
                    </Button>
                  </div>
                ),
              },
            ]}
          />
        )}
      </Card>
      {open && (
        <Dialog title={`Delivery of ${open.event}`} wide onClose={() => setOpen(null)}>
          <p class="faint">
            <code>{open.eventId}</code>, number {open.sequence} of its session
          </p>
          {open.attempts.length === 0 && <p class="soft">Not tried yet.</p>}
          <ol class="stack">
            {open.attempts.map((attempt, place) => (
              <li class="stack tight">
                <div class="row">
                  <strong>Try {place + 1}</strong> <Time at={attempt.at} as="exact" /> <span class="faint">{number(attempt.durationMs)} ms</span>
                  <Badge tone={attempt.httpStatus && attempt.httpStatus < 300 ? "good" : "bad"}>{attempt.httpStatus ?? attempt.reason}</Badge>
                </div>
                {attempt.answer && <Code text={attempt.answer} label="How the answer began" />}
              </li>
            ))}
          </ol>
          <Code text={curl("POST", `${path}/deliveries/${open.deliveryId}/retry`)} label="curl" />
        </Dialog>
      )}
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
                deliveries.again();
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

const TONES: Record<Delivery["status"], Tone> = { delivered: "good", pending: "wait", failed: "bad" };

function answer(delivery: Delivery) {
  const last = delivery.attempts.at(-1);
  if (!last) return "not tried yet";
  return (
    <>
      {last.httpStatus ?? last.reason} <span class="faint">{number(last.durationMs)} ms</span>
      {delivery.nextAttemptAt && delivery.status === "pending" && (
        <span class="faint">
          , again <Time at={delivery.nextAttemptAt} />
        </span>
      )}
    </>
  );
}
