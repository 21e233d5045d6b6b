// Where sessions run: a node gives all of its own up, or one goes to another node.
import { useState } from "preact/hooks";
import { act, page, post, type Schemas } from "../../api/client";
import { useLoad } from "../../api/load";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { Field, typed } from "../../components/Field";
import { Form } from "../../components/Form";
import { Problem, tell } from "../../components/Problem";
import { number } from "../../components/Time";

type Node = Schemas["Node"];

const place = (nodeId: string, verb: "drain" | "undrain") => `v1/admin/nodes/${encodeURIComponent(nodeId)}/${verb}`;
const sessions = (count: number) => `${number(count)} ${count === 1 ? "session" : "sessions"}`;

export const undrain = (node: Node) => act<Node>(place(node.nodeId, "undrain"));

/** Asks before a node gives its sessions up; `others` is how many nodes could have them. */
export function Drain({ node, others, onClose, onDone }: { node: Node; others: number; onClose: () => void; onDone: () => void }) {
  return (
    <Dialog title="Drain this node?" onClose={onClose}>
      <Form word="Drain it" kind="danger" beside={<Button onPress={onClose}>Leave it as it is</Button>} onSubmit={async () => (await act<Node>(place(node.nodeId, "drain")), onDone(), onClose())}>
        {others === 0 ? (
          <p>
            No other node works: <code>{node.nodeId}</code> keeps its {sessions(node.sessions)} until one comes.
          </p>
        ) : (
          <p>
            <code>{node.nodeId}</code> gives its {sessions(node.sessions)} to {others === 1 ? "the other node" : `the ${number(others)} other nodes`}, some at a time. Each connects to WhatsApp anew, which takes seconds.
          </p>
        )}
        <p>It takes none until somebody lets it, or until its process begins anew. It goes on answering requests.</p>
      </Form>
    </Dialog>
  );
}

/** Has a session run on a node of choice; without `session` it is asked which. */
export function Move({ session, onClose, onDone }: { session?: Schemas["Session"]; onClose: () => void; onDone?: () => void }) {
  const nodes = useLoad((signal) => page<Node>("v1/admin/nodes", {}, signal), []);
  const [sessionId, setSessionId] = useState(session?.sessionId ?? "");
  const [nodeId, setNodeId] = useState("");
  const move = async () => {
    const node = await post<Node>(`v1/admin/sessions/${encodeURIComponent(sessionId.trim())}/move`, nodeId ? { nodeId } : {});
    tell(`It runs on ${node.nodeId} now`);
    onDone?.();
    onClose();
  };
  return (
    <Dialog title={session ? `Move ${session.name}` : "Move a session"} onClose={onClose}>
      <Form word="Move it" onSubmit={move}>
        <p class="soft">It ends there in order and connects to WhatsApp anew here. Sends meanwhile wait for it.</p>
        {!session && (
          <Field label="Session" hint="Its id; sessions of every account can be moved.">
            <input required placeholder="ses_…" value={sessionId} onInput={typed(setSessionId)} />
          </Field>
        )}
        <Field label="Node" hint="One that has the session already keeps it.">
          <select value={nodeId} onChange={typed(setNodeId)}>
            <option value="">the one with the fewest sessions</option>
            {nodes.value?.data
              .filter((node) => node.status === "working")
              .map((node) => (
                <option value={node.nodeId}>
                  {node.nodeId} · {sessions(node.sessions)}
                </option>
              ))}
          </select>
        </Field>
        <Problem of={nodes.problem} />
      </Form>
    </Dialog>
  );
}
