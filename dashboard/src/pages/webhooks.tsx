// Where events are delivered: register, see every try, send again.
import { useState } from "preact/hooks";
import { page, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Button } from "../components/Button";
import { Bones, Card, Head } from "../components/Card";
import { Empty } from "../components/Empty";
import { HookState } from "../components/HookState";
import { Problem } from "../components/Problem";
import { Table } from "../components/Table";
import { route, settle, to } from "../routes";
import { Create } from "./webhooks/create";
import { Details } from "./webhooks/details";

type Webhook = Schemas["Webhook"];
type Session = Schemas["Session"];
type Choice = Schemas["EventChoice"];

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
              { name: "State", cell: (hook) => <HookState hook={hook} /> },
            ]}
          />
        </Card>
      )}
      {making && <Create sessions={sessions.value?.data ?? []} onClose={() => setMaking(false)} onMade={(made) => (setMaking(false), setSecret(made.secret), hooks.again(), settle("webhooks", made.webhookId))} />}
    </div>
  );
}
