// The accounts of this Wharf: whose they are, on which plan, and a first key for each.
import { useState } from "preact/hooks";
import { act, page, patch, post, type Schemas } from "../../api/client";
import { useLoad } from "../../api/load";
import { Badge, type Tone } from "../../components/Badge";
import { Button } from "../../components/Button";
import { Bones, Card } from "../../components/Card";
import { Secret } from "../../components/Code";
import { Confirm, Dialog } from "../../components/Dialog";
import { Field, typed } from "../../components/Field";
import { Form } from "../../components/Form";
import { Problem, report, tell } from "../../components/Problem";
import { Table } from "../../components/Table";
import { number, Time } from "../../components/Time";
import { PERMISSIONS } from "../../words";

type Account = Schemas["Account"];
type Plan = Schemas["Plan"];

const STATUS: Record<Account["status"], [string, Tone]> = { active: ["in use", "good"], suspended: ["suspended", "bad"], deleting: ["is being deleted", "wait"] };

const place = (account: Account, verb: "suspend" | "resume") => `v1/admin/accounts/${account.accountId}/${verb}`;

export function Accounts() {
  const accounts = useLoad((signal) => page<Account>("v1/admin/accounts", { limit: 200 }, signal), []);
  const plans = useLoad((signal) => page<Plan>("v1/admin/plans", {}, signal), []);
  const [making, setMaking] = useState(false);
  const [key, setKey] = useState<string | null>(null);
  const [suspends, setSuspends] = useState<Account | null>(null);
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
                    onChange={(event) =>
                      patch(`v1/admin/accounts/${account.accountId}`, { plan: event.currentTarget.value }).then(() => tell("The plan counts from the next call on"), report).finally(accounts.again)
                    }
                  >
                    {[...new Set([account.plan, ...names])].map((name) => (
                      <option>{name}</option>
                    ))}
                  </select>
                ),
              },
              { name: "Status", short: "Status", cell: (account) => <Badge tone={STATUS[account.status][1]}>{STATUS[account.status][0]}</Badge> },
              { name: "Messages a day", short: "Messages a day", kind: "number", cell: (account) => (account.limits.messagesPerDay === null ? "unlimited" : number(account.limits.messagesPerDay)) },
              { name: "Made", short: "Made", kind: "nowrap", cell: (account) => <Time at={account.createdAt} /> },
              {
                name: "Actions",
                kind: "actions",
                cell: (account) => (
                  <>
                    <Button
                      size="small"
                      onPress={async () => {
                        const made = await post<Schemas["CreatedKey"]>(`v1/admin/accounts/${account.accountId}/api-keys`, { name: "first", permissions: Object.keys(PERMISSIONS) });
                        setKey(made.apiKey);
                      }}
                    >
                      Make a key
                    </Button>
                    {account.status === "active" && (
                      <Button size="small" onPress={() => setSuspends(account)}>
                        Suspend
                      </Button>
                    )}
                    {account.status === "suspended" && (
                      <Button size="small" onPress={async () => (await act<Account>(place(account, "resume")), accounts.again())}>
                        Lift the suspension
                      </Button>
                    )}
                  </>
                ),
              },
            ]}
          />
        </Card>
      )}
      {making && <NewAccount plans={names} onClose={() => setMaking(false)} onMade={accounts.again} />}
      {suspends && (
        <Confirm title={`Suspend ${suspends.name}?`} word="Suspend it" onYes={async () => (await act<Account>(place(suspends, "suspend")), accounts.again())} onClose={() => setSuspends(null)}>
          <p>All its keys and log-ins are refused from now on, and its sessions disconnect within seconds. Their phones stay linked.</p>
          <p>Everything in it stays. Once the suspension is lifted the sessions connect by themselves, and what waits is sent.</p>
        </Confirm>
      )}
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
  return (
    <Dialog title="New account" onClose={onClose}>
      <Form word="Make it" onSubmit={async () => (await post("v1/admin/accounts", { name, plan }), onMade(), onClose())}>
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
      </Form>
    </Dialog>
  );
}
