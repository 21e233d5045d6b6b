// Everything about one message: its time line, its error with the fix, who read it, and the JSON itself.
import { useState } from "preact/hooks";
import { get, may, patch, post, remove, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Button } from "./Button";
import { Code, curl, type Did } from "./Code";
import { Dialog } from "./Dialog";
import { Field, typed } from "./Field";
import { Problem, report, tell, Told } from "./Problem";
import { phone, Time } from "./Time";
import { catalogue } from "../api/errors";

type Message = Schemas["Message"];

export function MessageDetails({ messageId, onClose, onChange, onDid }: { messageId: string; onClose: () => void; onChange: (message: Message) => void; onDid: (did: Did) => void }) {
  const path = `v1/messages/${messageId}`;
  const loaded = useLoad((signal) => get<Message>(path, {}, signal), [messageId], (event) => (event.data as { messageId?: string }).messageId === messageId);
  const message = loaded.value;
  const [text, setText] = useState<string | null>(null);
  const [to, setTo] = useState<string | null>(null);
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
          {text !== null && (
            <form
              class="stack tight"
              onSubmit={async (event) => {
                event.preventDefault();
                const body = { text };
                await patch(path, body).then(() => (onDid({ method: "PATCH", path, body }), setText(null), reload()), report);
              }}
            >
              <Field label={message.type === "text" ? "New text" : "New caption"}>
                <textarea rows={3} value={text} onInput={typed(setText)} />
              </Field>
              <div class="row">
                <Button type="submit" kind="main">
                  Edit it for everybody
                </Button>
                <Button onPress={() => setText(null)}>Leave it</Button>
              </div>
            </form>
          )}
          {to !== null && (
            <form
              class="stack tight"
              onSubmit={async (event) => {
                event.preventDefault();
                const body = { to };
                await post(`${path}/forward`, body).then(() => (onDid({ method: "POST", path: `${path}/forward`, body }), setTo(null), tell("Forwarded")), report);
              }}
            >
              <Field label="Forward to" hint="A number in international form, or the id of a group.">
                <input required value={to} onInput={typed(setTo)} />
              </Field>
              <div class="row">
                <Button type="submit" kind="main">
                  Forward it
                </Button>
                <Button onPress={() => setTo(null)}>Leave it</Button>
              </div>
            </form>
          )}
          {may("messages:send") && !message.deletedAt && text === null && to === null && (
            <div class="row">
              {own && EDITED.has(message.type) && <Button onPress={() => setText(message.text ?? message.caption ?? "")}>Edit</Button>}
              <Button onPress={() => setTo("")}>Forward</Button>
              {own && (
                <Button kind="danger" icon="bin" onPress={async () => (await remove(path), onDid({ method: "DELETE", path }), await reload())}>
                  Delete for everybody
                </Button>
              )}
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

/** What has words that can be another. */
const EDITED = new Set<Message["type"]>(["text", "image", "video", "document"]);
