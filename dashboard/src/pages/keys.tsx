// Keys for programs: made here, shown once, revoked here.
import { useState } from "preact/hooks";
import { page, post, remove, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Badge } from "../components/Badge";
import { Button } from "../components/Button";
import { Bones, Card, Head } from "../components/Card";
import { Code, curl, Secret } from "../components/Code";
import { Confirm, Dialog } from "../components/Dialog";
import { Empty } from "../components/Empty";
import { Check, Field, typed } from "../components/Field";
import { Problem } from "../components/Problem";
import { Table } from "../components/Table";
import { Time } from "../components/Time";
import { PERMISSIONS } from "../words";

type Key = Schemas["Key"];
type Permission = Schemas["Permission"];
type Session = Schemas["Session"];

const SETS: { name: string; hint: string; permissions: Permission[] }[] = [
  { name: "Send and receive", hint: "what most programs need", permissions: ["sessions:read", "messages:read", "messages:send", "contacts:read", "events:read"] },
  { name: "Send only", hint: "reads nothing", permissions: ["messages:send"] },
  { name: "Read only", hint: "changes nothing", permissions: ["sessions:read", "messages:read", "contacts:read", "groups:read", "events:read", "account:read"] },
];
const ALL = Object.keys(PERMISSIONS) as Permission[];

function mayOf(permissions: Permission[]) {
  const words = permissions.map((permission) => PERMISSIONS[permission] ?? permission);
  if (ALL.every((permission) => permissions.includes(permission))) return permissions.includes("users:manage") ? "do everything, and look after people" : "do everything";
  return words.length <= 4 ? (
    words.join(", ")
  ) : (
    <details class="fold">
      <summary>{words.length} things</summary>
      {words.join(", ")}
    </details>
  );
}

export default function Keys() {
  const keys = useLoad((signal) => page<Key>("v1/api-keys", { limit: 200 }, signal), []);
  const sessions = useLoad((signal) => page<Session>("v1/sessions", { limit: 200 }, signal).catch(() => ({ data: [] as Session[], next: null })), []);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Schemas["CreatedKey"] | null>(null);
  const [ending, setEnding] = useState<Key | null>(null);
  const names = new Map(sessions.value?.data.map((session) => [session.sessionId, session.name]));
  const state = (key: Key) => (key.revokedAt ? <Badge>revoked</Badge> : key.expiresAt && new Date(key.expiresAt) < new Date() ? <Badge tone="wait">expired</Badge> : <Badge tone="good">works</Badge>);
  return (
    <div class="page">
      <Head
        title="API keys"
        actions={
          <Button kind="main" icon="plus" onPress={() => setMaking(true)}>
            New key
          </Button>
        }
      >
        A key lets a program do what its permissions say, and nothing else. It is shown once; only its fingerprint is kept.
      </Head>
      <Problem of={keys.problem} />
      {keys.loading && <Bones />}
      {keys.value?.data.length === 0 && (
        <Empty icon="keys" title="No key yet">
          <p>Make one for each program, so that each can be revoked by itself.</p>
          <Button kind="main" icon="plus" onPress={() => setMaking(true)}>
            Make the first key
          </Button>
        </Empty>
      )}
      {keys.value && keys.value.data.length > 0 && (
        <Card flush>
          <Table
            caption="Keys"
            rows={keys.value.data}
            id={(key) => key.keyId}
            columns={[
              {
                name: "Name",
                cell: (key) => (
                  <>
                    <strong>{key.name}</strong>
                    <br />
                    <code class="faint">{key.keyId}</code>
                  </>
                ),
              },
              { name: "May", short: "May", cell: (key) => mayOf(key.permissions) },
              { name: "Sessions", short: "Sessions", cell: (key) => (key.sessionIds ? key.sessionIds.map((id) => names.get(id) ?? id).join(", ") : "all") },
              { name: "Last used", short: "Last used", kind: "nowrap", cell: (key) => (key.lastUsedAt ? <Time at={key.lastUsedAt} /> : "never") },
              { name: "Ends", short: "Ends", kind: "nowrap", cell: (key) => (key.expiresAt ? <Time at={key.expiresAt} /> : "never") },
              { name: "State", cell: state },
              {
                name: "Actions",
                kind: "actions",
                cell: (key) =>
                  !key.revokedAt && (
                    <div class="row end">
                      <Button
                        size="small"
                        onPress={async () => {
                          setMade(await post<Schemas["CreatedKey"]>(`v1/api-keys/${key.keyId}/rotate`));
                          keys.again();
                        }}
                      >
                        Rotate
                      </Button>
                      <Button size="small" kind="danger" onPress={() => setEnding(key)}>
                        Revoke
                      </Button>
                    </div>
                  ),
              },
            ]}
          />
        </Card>
      )}
      {making && <Create sessions={sessions.value?.data ?? []} onClose={() => setMaking(false)} onMade={(key) => (setMaking(false), setMade(key), keys.again())} />}
      {made && (
        <Dialog title={`The key «${made.name}»`} wide onClose={() => setMade(null)}>
          <p>Copy it now: it is never shown again.</p>
          <Secret text={made.apiKey} label="Copy the key" />
          <Code text={`export KEY=${made.apiKey}\n\n${curl("GET", made.permissions.includes("sessions:read") ? "v1/sessions" : "v1/account")}`} label="How to use it" />
          <div class="row end">
            <Button kind="main" onPress={() => setMade(null)}>
              I have it
            </Button>
          </div>
        </Dialog>
      )}
      {ending && (
        <Confirm title={`Revoke «${ending.name}»?`} word="Revoke" onClose={() => setEnding(null)} onYes={async () => (await remove(`v1/api-keys/${ending.keyId}`), keys.again())}>
          <p>Whoever uses it is refused from now on. This cannot be taken back.</p>
          <p class="soft">To change a key without a gap, rotate it: the old one works for another day.</p>
        </Confirm>
      )}
    </div>
  );
}

function Create({ sessions, onClose, onMade }: { sessions: Session[]; onClose: () => void; onMade: (key: Schemas["CreatedKey"]) => void }) {
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<Set<Permission>>(new Set(SETS[0]!.permissions));
  const [bound, setBound] = useState<Set<string>>(new Set());
  const [days, setDays] = useState("");
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const toggle = <T,>(set: Set<T>, value: T, on: boolean) => {
    const next = new Set(set);
    if (on) next.add(value);
    else next.delete(value);
    return next;
  };
  const same = (set: Permission[]) => set.length === chosen.size && set.every((permission) => chosen.has(permission));
  const make = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      onMade(
        await post<Schemas["CreatedKey"]>("v1/api-keys", {
          name,
          permissions: ALL.filter((permission) => chosen.has(permission)),
          ...(days && { expiresAt: new Date(Date.now() + Number(days) * 86_400_000).toISOString() }),
          ...(bound.size > 0 && { sessionIds: [...bound] }),
        }),
      );
    } catch (refused) {
      setProblem(refused);
      setBusy(false);
    }
  };
  return (
    <Dialog title="New key" wide onClose={onClose}>
      <form class="stack" onSubmit={make}>
        <Field label="Name" hint="Of the program that will use it.">
          <input name="key-name" required maxLength={100} value={name} onInput={typed(setName)} />
        </Field>
        <fieldset class="field">
          <legend>It may</legend>
          <div class="row">
            {[...SETS, { name: "Everything", hint: "", permissions: ALL }].map((set) => (
              <Button size="small" kind={same(set.permissions) ? "main" : ""} pressed={same(set.permissions)} onPress={() => setChosen(new Set(set.permissions))}>
                {set.name}
              </Button>
            ))}
          </div>
          <div class="checks">
            {ALL.map((permission) => (
              <Check label={PERMISSIONS[permission]} checked={chosen.has(permission)} onChange={(on) => setChosen(toggle(chosen, permission, on))} />
            ))}
          </div>
        </fieldset>
        <Field label="It ends">
          <select value={days} onChange={typed(setDays)}>
            <option value="">never</option>
            <option value="1">in a day</option>
            <option value="30">in 30 days</option>
            <option value="90">in 90 days</option>
            <option value="365">in a year</option>
          </select>
        </Field>
        {sessions.length > 0 && (
          <fieldset class="field">
            <legend>Only for these sessions</legend>
            <span class="hint">None chosen: for all, also those to come.</span>
            <div class="checks">
              {sessions.map((session) => (
                <Check label={session.name} checked={bound.has(session.sessionId)} onChange={(on) => setBound(toggle(bound, session.sessionId, on))} />
              ))}
            </div>
          </fieldset>
        )}
        <Problem of={problem} />
        <div class="row end">
          <Button type="submit" kind="main" busy={busy} disabled={chosen.size === 0}>
            Make the key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
