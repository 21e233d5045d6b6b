// What the operator of a Wharf looks after: accounts, plans, WhatsApp's version, the switches, who did what.
import { useState } from "preact/hooks";
import { get, me, page, patch, post, put, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Badge } from "../components/Badge";
import { Button } from "../components/Button";
import { Bones, Card, Head } from "../components/Card";
import { Secret } from "../components/Code";
import { Dialog } from "../components/Dialog";
import { Field, typed } from "../components/Field";
import { Problem, tell } from "../components/Problem";
import { Table } from "../components/Table";
import { number, Time } from "../components/Time";
import { route, to } from "../routes";
import { PERMISSIONS } from "../words";
import { AuditTable } from "./usage";
import { Users } from "./people";

type Account = Schemas["Account"];
type Plan = Schemas["Plan"];

const TABS = [
  ["accounts", "Accounts"],
  ["plans", "Plans"],
  ["users", "Users"],
  ["whatsapp", "WhatsApp"],
  ["audit", "Audit log"],
] as const;

export default function Operator() {
  const at = route.value.parts[1] ?? "accounts";
  return (
    <div class="page">
      <Head title="Operator">Everything on this Wharf, whoever's it is.</Head>
      <nav class="tabs" aria-label="Of the operator">
        {TABS.filter(([name]) => name !== "users" || me.value?.by === "login").map(([name, title]) => (
          <a href={to("operator", name)} aria-current={name === at ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      {at === "accounts" && <Accounts />}
      {at === "plans" && <Plans />}
      {at === "users" && <Users path="v1/admin/users" operator />}
      {at === "whatsapp" && <Whatsapp />}
      {at === "audit" && <Audit />}
    </div>
  );
}

function Accounts() {
  const accounts = useLoad((signal) => page<Account>("v1/admin/accounts", { limit: 200 }, signal), []);
  const plans = useLoad((signal) => page<Plan>("v1/admin/plans", {}, signal), []);
  const [making, setMaking] = useState(false);
  const [key, setKey] = useState<string | null>(null);
  const names = plans.value?.data.map((plan) => plan.name) ?? [];
  return (
    <>
      <Problem of={accounts.problem ?? plans.problem} />
      {accounts.loading && <Bones />}
      {accounts.value && (
        <Card
          title="Accounts"
          flush
          aside={
            <Button size="small" kind="main" icon="plus" onPress={() => setMaking(true)}>
              New account
            </Button>
          }
        >
          <Table
            caption="Accounts"
            rows={accounts.value.data}
            id={(account) => account.accountId}
            columns={[
              {
                name: "Name",
                cell: (account) => (
                  <>
                    <strong>{account.name}</strong>
                    <br />
                    <code class="faint">{account.accountId}</code>
                  </>
                ),
              },
              {
                name: "Plan",
                short: "Plan",
                cell: (account) => (
                  <select
                    class="short"
                    aria-label={`Plan of ${account.name}`}
                    value={account.plan}
                    onChange={async (event) => {
                      await patch(`v1/admin/accounts/${account.accountId}`, { plan: event.currentTarget.value });
                      accounts.again();
                      tell("The plan counts from the next call on");
                    }}
                  >
                    {[...new Set([account.plan, ...names])].map((name) => (
                      <option>{name}</option>
                    ))}
                  </select>
                ),
              },
              { name: "Messages a day", short: "Messages a day", kind: "number", cell: (account) => (account.limits.messagesPerDay === null ? "unlimited" : number(account.limits.messagesPerDay)) },
              { name: "Made", short: "Made", kind: "nowrap", cell: (account) => <Time at={account.createdAt} /> },
              {
                name: "Actions",
                kind: "actions",
                cell: (account) => (
                  <Button
                    size="small"
                    onPress={async () => {
                      const made = await post<Schemas["CreatedKey"]>(`v1/admin/accounts/${account.accountId}/api-keys`, { name: "first", permissions: Object.keys(PERMISSIONS) });
                      setKey(made.apiKey);
                    }}
                  >
                    Make a key
                  </Button>
                ),
              },
            ]}
          />
        </Card>
      )}
      {making && <NewAccount plans={names} onClose={() => setMaking(false)} onMade={accounts.again} />}
      {key && (
        <Dialog title="A key of the account" onClose={() => setKey(null)}>
          <p>It may do everything in the account. Copy it now: it is never shown again.</p>
          <Secret text={key} label="Copy the key" />
        </Dialog>
      )}
    </>
  );
}

function NewAccount({ plans, onClose, onMade }: { plans: string[]; onClose: () => void; onMade: () => void }) {
  const [name, setName] = useState("");
  const [plan, setPlan] = useState(plans[0] ?? "free");
  const [problem, setProblem] = useState<unknown>(null);
  const make = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      await post("v1/admin/accounts", { name, plan });
      onMade();
      onClose();
    } catch (refused) {
      setProblem(refused);
    }
  };
  return (
    <Dialog title="New account" onClose={onClose}>
      <form class="stack" onSubmit={make}>
        <Field label="Name">
          <input required value={name} onInput={typed(setName)} />
        </Field>
        <Field label="Plan">
          <select value={plan} onChange={typed(setPlan)}>
            {plans.map((one) => (
              <option>{one}</option>
            ))}
          </select>
        </Field>
        <Problem of={problem} />
        <div class="row end">
          <Button type="submit" kind="main">
            Make it
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Plans() {
  const plans = useLoad((signal) => page<Plan>("v1/admin/plans", {}, signal), []);
  const [edited, setEdited] = useState<Plan | null>(null);
  const show = (value: number | null) => (value === null ? "unlimited" : number(value));
  return (
    <>
      <Problem of={plans.problem} />
      {plans.loading && <Bones />}
      {plans.value && (
        <Card title="Plans" flush>
          <Table
            caption="Plans"
            rows={plans.value.data}
            id={(plan) => plan.name}
            columns={[
              { name: "Name", cell: (plan) => <strong>{plan.name}</strong> },
              { name: "Messages a day", short: "Messages a day", kind: "number", cell: (plan) => show(plan.messagesPerDay) },
              { name: "Calls a minute", short: "Calls a minute", kind: "number", cell: (plan) => number(plan.callsPerMinute) },
              { name: "Sessions", short: "Sessions", kind: "number", cell: (plan) => show(plan.sessions) },
              { name: "At a time", short: "At a time", kind: "number", cell: (plan) => number(plan.concurrentRequests) },
              {
                name: "Actions",
                kind: "actions",
                cell: (plan) => (
                  <Button size="small" onPress={() => setEdited(plan)}>
                    Change
                  </Button>
                ),
              },
            ]}
          />
        </Card>
      )}
      {edited && <EditPlan plan={edited} onClose={() => setEdited(null)} onDone={plans.again} />}
    </>
  );
}

function EditPlan({ plan, onClose, onDone }: { plan: Plan; onClose: () => void; onDone: () => void }) {
  const [values, setValues] = useState({ messagesPerDay: String(plan.messagesPerDay ?? ""), callsPerMinute: String(plan.callsPerMinute), sessions: String(plan.sessions ?? ""), concurrentRequests: String(plan.concurrentRequests) });
  const [problem, setProblem] = useState<unknown>(null);
  const whole = (text: string) => (text.trim() === "" ? null : Number(text));
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    const { name, ...rest } = plan;
    try {
      await put(`v1/admin/plans/${encodeURIComponent(name)}`, { ...rest, messagesPerDay: whole(values.messagesPerDay), callsPerMinute: Number(values.callsPerMinute), sessions: whole(values.sessions), concurrentRequests: Number(values.concurrentRequests) });
      onDone();
      onClose();
    } catch (refused) {
      setProblem(refused);
    }
  };
  const field = (name: keyof typeof values, label: string, hint?: string) => (
    <Field label={label} hint={hint}>
      <input inputMode="numeric" pattern="\d*" value={values[name]} onInput={(event) => setValues({ ...values, [name]: event.currentTarget.value })} />
    </Field>
  );
  return (
    <Dialog title={`The plan ${plan.name}`} onClose={onClose}>
      <form class="stack" onSubmit={save}>
        {field("messagesPerDay", "Messages a day", "Empty is unlimited.")}
        {field("callsPerMinute", "Calls a minute")}
        {field("sessions", "Sessions", "Empty is unlimited.")}
        {field("concurrentRequests", "Requests at a time")}
        <Problem of={problem} />
        <div class="row end">
          <Button type="submit" kind="main">
            Change it for all its accounts
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Whatsapp() {
  const version = useLoad((signal) => get<Schemas["Whatsapp"]>("v1/admin/whatsapp", {}, signal), []);
  const switches = useLoad((signal) => get<Schemas["Switches"]>("v1/admin/whatsapp/switches", {}, signal), []);
  const notice = useLoad((signal) => get<Schemas["UpdateNotice"]>("v1/admin/whatsapp/update-notice", {}, signal), []);
  const set = async (body: Schemas["PutSwitches"]) => {
    await put("v1/admin/whatsapp/switches", body);
    switches.again();
  };
  const pauses = [
    ["sending", "Sending", "sendingPaused"],
    ["connecting", "Connecting", "connectingPaused"],
  ] as const;
  return (
    <>
    <div class="columns two">
      <Card
        title="Version of WhatsApp Web"
        aside={
          <Button size="small" icon="turn" onPress={async () => (await post("v1/admin/whatsapp/version"), version.again())}>
            Ask WhatsApp now
          </Button>
        }
      >
        <Problem of={version.problem} />
        {version.value && (
          <dl class="pairs">
            <dt>Claimed</dt>
            <dd>
              {version.value.claimed} <span class="faint">from {version.value.source.replace("_", " ")}</span>
            </dd>
            <dt>Served by WhatsApp</dt>
            <dd>{version.value.served ?? "not asked yet"}</dd>
            <dt>Refused</dt>
            <dd>{version.value.refused ?? "none"}</dd>
            <dt>Ends</dt>
            <dd>{version.value.expiresAt ? <Time at={version.value.expiresAt} /> : "nothing was announced"}</dd>
            <dt>Sessions that wait</dt>
            <dd>{version.value.waiting.length ? version.value.waiting.map((one) => `${number(one.sessions)} for ${one.for.replace("_", " ")}`).join(", ") : "none"}</dd>
          </dl>
        )}
        {notice.value && (
          <p class="soft">
            This is Wharf {notice.value.running}
            {notice.value.newest ? `; the newest is ${notice.value.newest}.` : "; no news of a newer one."} {notice.value.notes}
          </p>
        )}
      </Card>
      <Card title="Pauses">
        <Problem of={switches.problem} />
        {switches.value &&
          pauses.map(([name, title, member]) => {
            const pause = switches.value![name];
            return (
              <div class="row spread">
                <span>
                  {title} {pause.paused ? <Badge tone="bad">paused</Badge> : <Badge tone="good">goes on</Badge>}
                  {pause.since && (
                    <span class="faint">
                      {" "}
                      since <Time at={pause.since} />
                    </span>
                  )}
                </span>
                <Button size="small" kind={pause.paused ? "main" : "danger"} onPress={() => set({ [member]: !pause.paused })}>
                  {pause.paused ? "Let it go on" : "Pause it"}
                </Button>
              </div>
            );
          })}
        <p class="faint">What is accepted meanwhile waits and goes out afterwards.</p>
      </Card>
    </div>
      <Card title="Features" flush>
        {switches.value && (
          <Table
            caption="Features"
            rows={Object.entries(switches.value.features) as [string, Schemas["FeatureSwitch"]][]}
            id={([name]) => name}
            columns={[
              { name: "Feature", cell: ([name]) => name.replace("_", " ") },
              { name: "State", cell: ([, one]) => (one.degradedSince ? <Badge tone="wait">degraded</Badge> : one.position === "off" ? <Badge tone="bad">off</Badge> : <Badge tone="good">on</Badge>) },
              {
                name: "Position",
                kind: "actions",
                cell: ([name, one]) => (
                  <select class="short" aria-label={`Position of ${name}`} value={one.position} onChange={(event) => void set({ features: { [name]: event.currentTarget.value } as Schemas["PutSwitches"]["features"] })}>
                    <option>on</option>
                    <option>auto</option>
                    <option>off</option>
                  </select>
                ),
              },
            ]}
          />
        )}
      </Card>
    </>
  );
}

function Audit() {
  const [action, setAction] = useState("");
  const [accountId, setAccount] = useState("");
  const audit = useLoad((signal) => page<Schemas["AuditEntry"]>("v1/admin/audit", { limit: 100, action, accountId }, signal), [action, accountId]);
  return (
    <>
      <div class="filters">
        <Field label="Action">
          <input type="search" value={action} onChange={(event) => setAction(event.currentTarget.value.trim())} />
        </Field>
        <Field label="Account">
          <input type="search" value={accountId} placeholder="acc_…" onChange={(event) => setAccount(event.currentTarget.value.trim())} />
        </Field>
      </div>
      <Problem of={audit.problem} />
      {audit.loading && <Bones />}
      {audit.value && (
        <Card flush>
          {audit.value.data.length ? <AuditTable rows={audit.value.data} /> : <p class="soft padded">Nothing fits.</p>}
        </Card>
      )}
    </>
  );
}
