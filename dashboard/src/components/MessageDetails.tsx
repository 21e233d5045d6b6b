// Everything about one message: its time line, its error with the fix, who read it, and the JSON itself.
import { useState } from "preact/hooks";
import { get, may, patch, remove, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Button } from "./Button";
import { Code, curl } from "./Code";
import { Dialog } from "./Dialog";
import { Field, typed } from "./Field";
import { Problem, Told } from "./Problem";
import { phone, Time } from "./Time";
import { catalogue } from "../api/errors";

type Message = Schemas["Message"];

export function MessageDetails({ messageId, onClose, onChange }: { messageId: string; onClose: () => void; onChange: (message: Message) => void }) {
  const path = `v1/messages/${messageId}`;
  const loaded = useLoad((signal) => get<Message>(path, {}, signal), [messageId], (event) => (event.data as { messageId?: string }).messageId === messageId);
  const message = loaded.value;
  const [text, setText] = useState<string | null>(null);
  const own = message?.direction === "outgoing" && !message.deletedAt && may("messages:send");
  const reload = async () => {
    onChange(await get<Message>(path));
    loaded.again();
  };
  return (
    <Dialog title="Message" wide onClose={onClose}>
      <Problem of={loaded.problem} />
      {message && (
        <>
          {message.error && <Told title={catalogue.value.get(message.error.code)?.description ?? "It could not be sent"} words={message.error.reason} code={message.error.code} />}
          <ol class="timeline">
            {(message.timeline ?? []).map((entry) => (
              <li class={entry.status}>
                <strong>{entry.status}</strong> <Time at={entry.at} as="precise" />
              </li>
            ))}
          </ol>
          <dl class="pairs">
            <dt>From</dt>
            <dd>{message.direction === "outgoing" ? "this session" : (message.from?.name ?? phone(message.from?.phoneNumber))}</dd>
            <dt>Kind</dt>
            <dd>{message.type.replace("_", " ")}</dd>
            <dt>Id</dt>
            <dd>
              <code>{message.messageId}</code>
            </dd>
            <dt>WhatsApp's id</dt>
            <dd>
              <code>{message.whatsappId}</code>
            </dd>
            {message.receipts?.map((receipt) => (
              <>
                <dt>{receipt.participant.name ?? phone(receipt.participant.phoneNumber)}</dt>
                <dd>{receipt.readAt ? "read" : receipt.deliveredAt ? "delivered" : "sent"}</dd>
              </>
            ))}
          </dl>
          {own && message.type === "text" && text !== null && (
            <form
              class="stack tight"
              onSubmit={async (event) => {
                event.preventDefault();
                await patch(path, { text }).then(reload);
                setText(null);
              }}
            >
              <Field label="New text">
                <input value={text} onInput={typed(setText)} />
              </Field>
              <div class="row">
                <Button type="submit" kind="main">
                  Edit it for everybody
                </Button>
              </div>
            </form>
          )}
          {own && (
            <div class="row">
              {message.type === "text" && text === null && <Button onPress={() => setText(message.text ?? "")}>Edit</Button>}
              <Button kind="danger" icon="bin" onPress={async () => (await remove(path), await reload())}>
                Delete for everybody
              </Button>
            </div>
          )}
          <details class="fold" open>
            <summary>JSON</summary>
            <Code text={JSON.stringify(message, null, 2)} label="The message as JSON" />
          </details>
          <details class="fold">
            <summary>curl</summary>
            <Code text={curl("GET", path)} label="curl" />
          </details>
        </>
      )}
    </Dialog>
  );
}
