// What was delivered to a webhook, try by try, and what is on its way.
import { useEffect, useRef, useState } from "preact/hooks";
import { act, page, type Schemas } from "../../api/client";
import { useLoad } from "../../api/load";
import { Badge, type Tone } from "../../components/Badge";
import { Button } from "../../components/Button";
import { Card } from "../../components/Card";
import { Code, curl } from "../../components/Code";
import { Dialog } from "../../components/Dialog";
import { Empty } from "../../components/Empty";
import { typed } from "../../components/Field";
import { Problem, tell } from "../../components/Problem";
import { Table } from "../../components/Table";
import { number, Time } from "../../components/Time";

type Delivery = Schemas["Delivery"];

/** `look` changes when something was done that sends. */
export function Deliveries({ path, look }: { path: string; look: number }) {
  const [status, setStatus] = useState("");
  const deliveries = useLoad((signal) => page<Delivery>(`${path}/deliveries`, { status, limit: 50 }, signal), [status, look], () => true);
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
  const [open, setOpen] = useState<Delivery | null>(null);
  return (
    <>
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
    </>
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
