// The plans: what an account on one may do in a day, a minute and at a time.
import { useState } from "preact/hooks";
import { page, put, type Schemas } from "../../api/client";
import { useLoad } from "../../api/load";
import { Button } from "../../components/Button";
import { Bones, Card } from "../../components/Card";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Form } from "../../components/Form";
import { Problem } from "../../components/Problem";
import { Table } from "../../components/Table";
import { number } from "../../components/Time";

type Plan = Schemas["Plan"];

export function Plans() {
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
  const whole = (text: string) => (text.trim() === "" ? null : Number(text));
  const save = async () => {
    const { name, ...rest } = plan;
    await put(`v1/admin/plans/${encodeURIComponent(name)}`, { ...rest, messagesPerDay: whole(values.messagesPerDay), callsPerMinute: Number(values.callsPerMinute), sessions: whole(values.sessions), concurrentRequests: Number(values.concurrentRequests) });
    onDone();
    onClose();
  };
  const field = (name: keyof typeof values, label: string, hint?: string) => (
    <Field label={label} hint={hint}>
      <input inputMode="numeric" pattern="\d*" value={values[name]} onInput={(event) => setValues({ ...values, [name]: event.currentTarget.value })} />
    </Field>
  );
  return (
    <Dialog title={`The plan ${plan.name}`} onClose={onClose}>
      <Form word="Change it for all its accounts" onSubmit={save}>
        {field("messagesPerDay", "Messages a day", "Empty is unlimited.")}
        {field("callsPerMinute", "Calls a minute")}
        {field("sessions", "Sessions", "Empty is unlimited.")}
        {field("concurrentRequests", "Requests at a time")}
      </Form>
    </Dialog>
  );
}

