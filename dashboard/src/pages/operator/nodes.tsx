// The machines that this Wharf runs on, and what waits on them: how long, for what, and why it is held back.
import { useEffect, useState } from "preact/hooks";
import { page, Refused, type Schemas } from "../../api/client";
import { useLoad } from "../../api/load";
import { Badge, type Tone } from "../../components/Badge";
import { Button } from "../../components/Button";
import { Bones, Card } from "../../components/Card";
import { Empty } from "../../components/Empty";
import { Problem } from "../../components/Problem";
import { Table } from "../../components/Table";
import { number, span, Time } from "../../components/Time";
import { HELD, SESSION, WAITS } from "../../words";
import { Drain, Move, undrain } from "./places";

type Node = Schemas["Node"];
type Held = Schemas["QueueHeld"];
type Queue = Schemas["Queue"];

/** How often is looked while a node gives its sessions up. */
const LOOK_MS = 2_000;

const NODE: Record<Node["status"], [string, Tone]> = { working: ["works", "good"], draining: ["gives its sessions up", "wait"], gone: ["is gone", "bad"] };
const DELIVERY: Record<NonNullable<Queue["deliveryStatus"]>, [string, Tone]> = { due: ["goes out now", "good"], resting: ["rests after failures", "wait"], paused: ["is switched off", "bad"] };
const OF_WHAT: Record<Held["type"], string> = { session: "everything", first_contacts: "people it has not written with", chats: "single chats" };

/** A Wharf that does not tell yet is no fault of whoever looks. */
const told = <T,>(path: string, query?: { limit: number }) => (signal: AbortSignal) =>
  page<T>(path, query, signal).catch((refused) => {
    if (refused instanceof Refused && refused.code === "resource_not_found") return null;
    throw refused;
  });

export function Nodes() {
  const nodes = useLoad(told<Node>("v1/admin/nodes"), []);
  const [asks, setAsks] = useState<Node | "move" | null>(null);
  const all = nodes.value?.data ?? [];
  const open = (except?: Node) => all.filter((node) => node.status === "working" && node.nodeId !== except?.nodeId).length;
  const leaving = open() > 0 && all.some((node) => node.status === "draining" && node.sessions > 0);
  // After each answer anew, so that a server that is slow is not asked again before it has answered.
  useEffect(() => {
    if (!leaving) return;
    const timer = window.setTimeout(nodes.again, LOOK_MS);
    return () => window.clearTimeout(timer);
  }, [nodes.value]);
  return (
    <>
      <Problem of={nodes.problem} />
      {nodes.loading && <Bones />}
      {!nodes.loading && !nodes.problem && !nodes.value && <p class="soft">This version of Wharf does not tell of its nodes.</p>}
      {nodes.value && (
        <Card
          title="Nodes"
          flush
          aside={
            <div class="row grow-none">
              <Button size="small" onPress={() => setAsks("move")}>
                Move a session
              </Button>
              <Button size="small" icon="turn" label="Look again" onPress={nodes.again} />
            </div>
          }
        >
          <Table
            caption="Nodes"
            rows={nodes.value.data}
            id={(node) => node.nodeId}
            columns={[
              {
                name: "Node",
                cell: (node) => (
                  <>
                    <code>{node.nodeId}</code> {node.current && <Badge tone="note">answers you</Badge>}
                  </>
                ),
              },
              {
                name: "State",
                cell: (node) => (
                  <>
                    <Badge tone={NODE[node.status][1]}>{NODE[node.status][0]}</Badge>
                    {node.status === "draining" && <p class="faint">{node.sessions > 0 ? `${number(node.sessions)} left` : "has none left"}</p>}
                  </>
                ),
              },
              { name: "Sessions", short: "Sessions", kind: "number", cell: (node) => number(node.sessions) },
              { name: "Version", short: "Version", cell: (node) => node.version ?? "not told" },
              { name: "Since", short: "Since", kind: "nowrap", cell: (node) => (node.since ? <Time at={node.since} /> : "not told") },
              { name: "Lease until", short: "Lease until", kind: "nowrap", cell: (node) => <Time at={node.leaseUntil} as="exact" /> },
              {
                name: "Actions",
                kind: "actions",
                cell: (node) => (
                  <>
                    {node.status === "working" && (
                      <Button size="small" kind="danger" onPress={() => setAsks(node)}>
                        Drain
                      </Button>
                    )}
                    {node.status === "draining" && (
                      <Button size="small" onPress={async () => (await undrain(node), nodes.again())}>
                        Let it have sessions
                      </Button>
                    )}
                  </>
                ),
              },
            ]}
          />
        </Card>
      )}
      {asks === "move" && <Move onClose={() => setAsks(null)} onDone={nodes.again} />}
      {asks !== null && asks !== "move" && <Drain node={asks} others={open(asks)} onClose={() => setAsks(null)} onDone={nodes.again} />}
    </>
  );
}

export function Queues() {
  const queues = useLoad(told<Queue>("v1/admin/queues", { limit: 200 }), []);
  const rows = queues.value?.data ?? [];
  const messages = rows.filter((one) => one.type === "messages");
  const deliveries = rows.filter((one) => one.type === "deliveries");
  const look = <Button size="small" icon="turn" label="Look again" onPress={queues.again} />;
  return (
    <>
      <Problem of={queues.problem} />
      {queues.loading && <Bones />}
      {!queues.loading && !queues.problem && !queues.value && <p class="soft">This version of Wharf does not tell of its queues.</p>}
      {queues.value && rows.length === 0 && (
        <Empty icon="clock" title="Nothing waits">
          <p>Every message is out and every event delivered. What waits, and what is held back, stands here with the reason.</p>
          <Button icon="turn" onPress={queues.again}>
            Look again
          </Button>
        </Empty>
      )}
      {messages.length > 0 && (
        <Card title="Messages" flush aside={look}>
          <Table
            caption="Messages that wait"
            rows={messages}
            id={(one) => one.sessionId ?? ""}
            columns={[
              { name: "Session", cell: (one) => <Ids of={one.sessionId} account={one.accountId} /> },
              { name: "Waiting", short: "Waiting", kind: "number", cell: (one) => many(one.waiting) },
              { name: "Oldest", short: "Oldest", kind: "nowrap", cell: (one) => <Age of={one} /> },
              { name: "Session is", short: "Session is", cell: (one) => one.sessionStatus && <Badge tone={SESSION[one.sessionStatus].tone}>{SESSION[one.sessionStatus].word}</Badge> },
              { name: "Why", short: "Why", cell: (one) => <Why of={one} /> },
            ]}
          />
        </Card>
      )}
      {deliveries.length > 0 && (
        <Card title="Deliveries to webhooks" flush aside={messages.length === 0 && look}>
          <Table
            caption="Deliveries that wait"
            rows={deliveries}
            id={(one) => one.webhookId ?? ""}
            columns={[
              { name: "Webhook", cell: (one) => <Ids of={one.webhookId} account={one.accountId} /> },
              { name: "Waiting", short: "Waiting", kind: "number", cell: (one) => many(one.waiting) },
              { name: "Due", short: "Due", kind: "number", cell: (one) => many(one.due ?? 0) },
              { name: "Oldest", short: "Oldest", kind: "nowrap", cell: (one) => <Age of={one} /> },
              { name: "State", cell: (one) => one.deliveryStatus && <Badge tone={DELIVERY[one.deliveryStatus][1]}>{DELIVERY[one.deliveryStatus][0]}</Badge> },
              {
                name: "Why",
                short: "Why",
                cell: (one) => (
                  <>
                    {one.disabledReason && <p>switched off: {one.disabledReason}</p>}
                    {one.failingSince && (
                      <p>
                        nothing but failures since <Time at={one.failingSince} />
                      </p>
                    )}
                    {one.nextAt && (
                      <p>
                        next try <Time at={one.nextAt} />
                      </p>
                    )}
                  </>
                ),
              },
            ]}
          />
        </Card>
      )}
    </>
  );
}

/** Counting ends there. */
const MOST = 10_000;
const many = (count: number) => (count >= MOST ? `${number(MOST)} or more` : number(count));

function Ids({ of, account }: { of: string | undefined; account: string }) {
  return (
    <>
      <code>{of}</code>
      <br />
      <code class="faint">{account}</code>
    </>
  );
}

function Age({ of }: { of: Queue }) {
  if (of.oldestSeconds === undefined) return <>nothing</>;
  return <span title={of.oldestAt && new Date(of.oldestAt).toLocaleString()}>{span(of.oldestSeconds)}</span>;
}

function Why({ of }: { of: Queue }) {
  if (!of.waitingFor && of.held.length === 0) return <span class="soft">it is its turn</span>;
  return (
    <>
      {of.waitingFor && <p>{WAITS[of.waitingFor]}</p>}
      {of.held.map((held) => (
        <p>
          {OF_WHAT[held.type]}
          {held.chats !== undefined && ` (${number(held.chats)})`}: {HELD[held.reason]}
          {held.until && (
            <>
              , until <Time at={held.until} as="exact" />
            </>
          )}
        </p>
      ))}
    </>
  );
}
