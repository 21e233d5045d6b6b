// The plan, today's use against it, and thirty days of messages, calls and errors.
import { useEffect, useState } from "preact/hooks";
import { get, page, type Schemas } from "../api/client";
import { catalogue, loadCatalogue } from "../api/errors";
import { useLoad } from "../api/load";
import { Bars, Meter } from "../components/Chart";
import { Card, Head } from "../components/Card";
import { Button } from "../components/Button";
import { Problem } from "../components/Problem";
import { Table } from "../components/Table";
import { bytes, number, Time } from "../components/Time";

type Usage = Schemas["Usage"];
type Account = Schemas["Account"];
type Audit = Schemas["AuditEntry"];

export default function UsagePage() {
  const usage = useLoad((signal) => get<Usage>("v1/usage", {}, signal), [], (event) => event.event === "message.status" || event.event === "usage.warning");
  const account = useLoad((signal) => get<Account>("v1/account", {}, signal), []);
  useEffect(() => void loadCatalogue(), []);
  const limits = account.value?.limits;
  const refused = usage.problem ?? account.problem;
  // Until they come everything stands in its place already, so that nothing jumps.
  const later = !usage.value || !limits;
  const figure = (value: number | undefined, show = number) => (value === undefined ? LATER : show(value));
  const allowed = (limit: number | null | undefined, none = "unlimited") => (limit === undefined ? LATER : limit === null ? none : number(limit));
  const today = usage.value?.today;
  const whole = usage.value?.last30Days;
  const errors = Object.entries(whole?.errors ?? {}).sort(([, one], [, other]) => other - one);
  const days = fill(usage.value?.days ?? []);
  return (
    <div class="page">
      <Head title="Plan and use" actions={<Button icon="turn" onPress={() => (usage.again(), account.again())}>Look again</Button>}>
        {account.value?.name ?? "This account"} is on the plan <strong>{account.value?.plan ?? LATER}</strong>. An operator of this Wharf changes plans.
      </Head>
      <Problem of={refused} />
      {!(refused && later) && (
        <div class="stack roomy" aria-busy={later}>
          <div class="columns two">
            <Card title="Today" aside={<span class="faint">begins anew {usage.value ? <Time at={usage.value.resetAt} /> : LATER}</span>}>
              <Meter name="Messages" used={today?.messages} limit={limits?.messagesPerDay} />
              <Meter name="Files kept" used={usage.value?.mediaBytes} limit={limits?.mediaBytes} show={bytes} />
              <dl class="figures">
                <div class="figure">
                  <dt>Calls today</dt>
                  <dd>{figure(today?.calls)}</dd>
                </div>
                <div class="figure">
                  <dt>Refused today</dt>
                  <dd data-errors-today>{figure(today && sum(today.errors))}</dd>
                </div>
              </dl>
            </Card>
            <Card title="The plan allows">
              <dl class="pairs">
                <dt>Messages a day</dt>
                <dd>{allowed(limits?.messagesPerDay)}</dd>
                <dt>Calls a minute</dt>
                <dd>{allowed(limits?.callsPerMinute)}</dd>
                <dt>Sessions</dt>
                <dd>{allowed(limits?.sessions)}</dd>
                <dt>Requests at a time</dt>
                <dd>{allowed(limits?.concurrentRequests)}</dd>
                <dt>Events are kept</dt>
                <dd>{allowed(limits?.eventDays)} days</dd>
                <dt>Files are kept</dt>
                <dd>{allowed(limits?.mediaDays)} days</dd>
                <dt>Pace of a session</dt>
                <dd>{limits?.pace.messagesPerMinute === null ? "none" : `${allowed(limits?.pace.messagesPerMinute)} messages a minute`}</dd>
              </dl>
            </Card>
          </div>
          <Card title="Messages" aside={<span class="faint">{figure(whole?.messages)} in 30 days</span>}>
            <Bars name="Messages" days={days.map((day) => ({ date: day.date, value: day.messages }))} />
          </Card>
          <div class="columns two">
            <Card title="Calls" aside={<span class="faint">{figure(whole?.calls)} in 30 days</span>}>
              <Bars name="Calls" tone={2} days={days.map((day) => ({ date: day.date, value: day.calls }))} />
            </Card>
            <Card title="Errors" aside={<span class="faint">{figure(whole && sum(whole.errors))} in 30 days</span>}>
              <Bars name="Errors" tone={3} days={days.map((day) => ({ date: day.date, value: sum(day.errors) }))} />
            </Card>
          </div>
          <Card title="Errors by code" flush={errors.length > 0}>
            {errors.length === 0 ? (
              <p class="soft">{later ? "Counting." : "No request was refused in 30 days."}</p>
            ) : (
              <Table
                caption="Errors by code"
                rows={errors}
                id={([code]) => code}
                columns={[
                  { name: "Code", cell: ([code]) => <code>{code}</code> },
                  { name: "Times", kind: "number", short: "Times", cell: ([, times]) => number(times) },
                  { name: "What helps", cell: ([code]) => catalogue.value.get(code)?.fix },
                ]}
              />
            )}
          </Card>
        </div>
      )}
      <AuditLog />
    </div>
  );
}

/** Stands where a figure is on its way. */
const LATER = "…";
const sum = (errors: Record<string, number>) => Object.values(errors).reduce((sum, one) => sum + one, 0);

/** Every day of the last thirty, also those on which nothing was. */
function fill(days: Schemas["Day"][]): Schemas["Day"][] {
  const byDate = new Map(days.map((day) => [day.date, day]));
  const last = days.map((day) => day.date).sort().at(-1) ?? new Date().toISOString().slice(0, 10);
  return Array.from({ length: 30 }, (_, back) => {
    const date = new Date(new Date(last).getTime() - (29 - back) * 86_400_000).toISOString().slice(0, 10);
    return byDate.get(date) ?? { date, messages: 0, calls: 0, errors: {} };
  });
}

export function AuditTable({ rows }: { rows: Audit[] }) {
  return (
    <Table
      caption="Audit log"
      rows={rows}
      id={(row) => `${row.at}${row.action}${row.target ?? ""}${row.keyId ?? ""}`}
      columns={[
        { name: "When", kind: "nowrap", cell: (row) => <Time at={row.at} /> },
        { name: "What", kind: "nowrap", cell: (row) => <code>{row.action}</code> },
        {
          name: "By",
          short: "By",
          cell: (row) => (
            <>
              {row.actor} {(row.userId ?? row.keyId) && <code class="faint">{row.userId ?? row.keyId}</code>}
            </>
          ),
        },
        { name: "Of", short: "Of", cell: (row) => (row.target ?? row.created) && <code class="faint">{row.target ?? row.created}</code> },
        { name: "From", short: "From", kind: "nowrap", cell: (row) => row.address },
        { name: "Outcome", cell: (row) => (row.code ? <code>{row.code}</code> : `done${row.times > 1 ? `, ${number(row.times)} times` : ""}`) },
      ]}
    />
  );
}

function AuditLog() {
  const [action, setAction] = useState("");
  const audit = useLoad((signal) => page<Audit>("v1/audit", { limit: 30, action }, signal), [action]);
  return (
    <Card
      title="Audit log"
      flush
      aside={
        <input class="short" type="search" aria-label="Action" placeholder="action, such as create_api_key" value={action} onChange={(event) => setAction(event.currentTarget.value.trim())} />
      }
    >
      <Problem of={audit.problem} />
      {audit.value && (audit.value.data.length ? <AuditTable rows={audit.value.data} /> : <p class="soft padded">Nothing yet.</p>)}
    </Card>
  );
}
