// A question with its options, sent as a poll.
import { useState } from "preact/hooks";
import { post, type Schemas } from "../api/client";
import { Button } from "./Button";
import type { Did } from "./Code";
import { Dialog } from "./Dialog";
import { Check, Field, typed } from "./Field";
import { Problem } from "./Problem";

export function AskPoll({ base, onClose, onSent }: { base: { sessionId: string; to: string }; onClose: () => void; onSent: (message: Schemas["Message"], did: Did[]) => void }) {
  const [question, setQuestion] = useState("");
  const [options, setOptions] = useState("");
  const [several, setSeveral] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const send = async () => {
    setProblem(null);
    const body = { ...base, question, options: options.split("\n").map((one) => one.trim()).filter(Boolean), selectableCount: several ? 0 : 1 };
    try {
      onSent(await post<Schemas["Message"]>("v1/messages/poll", body), [{ method: "POST", path: "v1/messages/poll", body }]);
      onClose();
    } catch (refused) {
      setProblem(refused);
    }
  };
  return (
    <Dialog title="Ask a poll" onClose={onClose}>
      <Field label="Question">
        <input value={question} onInput={typed(setQuestion)} />
      </Field>
      <Field label="Options" hint="One a line.">
        <textarea rows={4} value={options} onInput={typed(setOptions)} />
      </Field>
      <Check label="People may choose several" checked={several} onChange={setSeveral} />
      <Problem of={problem} />
      <div class="row end">
        <Button kind="main" icon="send" onPress={send}>
          Ask it
        </Button>
      </div>
    </Dialog>
  );
}
