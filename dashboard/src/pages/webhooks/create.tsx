// A webhook is registered: its address is tried at once.
import { useState } from "preact/hooks";
import { address, post, sandboxed, type Schemas } from "../../api/client";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { Check, Field, typed } from "../../components/Field";
import { Form } from "../../components/Form";

type Session = Schemas["Session"];
type Choice = Schemas["EventChoice"];

const EVENTS: Choice[] = ["message.received", "message.status", "message.reaction", "message.edited", "message.deleted", "poll.vote", "session.status", "session.qr", "group.updated", "call.received", "status.received", "usage.warning", "webhook.disabled"];

export function Create({ sessions, onClose, onMade }: { sessions: Session[]; onClose: () => void; onMade: (made: Schemas["CreatedWebhook"]) => void }) {
  const [url, setUrl] = useState("");
  const [all, setAll] = useState(true);
  const [events, setEvents] = useState<Set<Choice>>(new Set(["message.received", "message.status"]));
  const [sessionId, setSession] = useState("");
  const [description, setDescription] = useState("");
  const chosen = EVENTS.filter((one) => events.has(one));
  const make = async () => onMade(await post("v1/webhooks", { url, ...(description && { description }), events: all ? ["*"] : chosen, ...(sessionId && { sessionId }) }));
  return (
    <Dialog title="New webhook" wide onClose={onClose}>
      <Form word="Try the address and register it" disabled={!all && chosen.length === 0} onSubmit={make}>
        <Field label="Address" hint={sandboxed ? "In the sandbox an address of this machine, such as http://127.0.0.1:9000/hook." : "It gets a signed test before the webhook is made, and has five seconds to answer 2xx."}>
          <input name="url" type="url" required placeholder="https://example.com/hook" value={url} onInput={typed(setUrl)} />
        </Field>
        {sandboxed && (
          <div class="row">
            <Button size="small" onPress={() => setUrl(address("sandbox/control/hooks/ok").href)}>
              Take the pretend network's, which always answers
            </Button>
            <Button size="small" onPress={() => setUrl(address("sandbox/control/hooks/slow").href)}>
              The one that is too slow
            </Button>
          </div>
        )}
        <Field label="What it is for">
          <input maxLength={200} placeholder="for your team; may be empty" value={description} onInput={typed(setDescription)} />
        </Field>
        <fieldset class="field">
          <legend>Events</legend>
          <Check type="radio" name="events" label="Everything" checked={all} onChange={() => setAll(true)} />
          <Check type="radio" name="events" label="Only these" checked={!all} onChange={() => setAll(false)} />
          {!all && (
            <div class="checks">
              {EVENTS.map((one) => (
                <Check
                  label={<code>{one}</code>}
                  checked={events.has(one)}
                  onChange={(on) => {
                    const next = new Set(events);
                    if (on) next.add(one);
                    else next.delete(one);
                    setEvents(next);
                  }}
                />
              ))}
            </div>
          )}
        </fieldset>
        <Field label="Session">
          <select value={sessionId} onChange={typed(setSession)}>
            <option value="">all</option>
            {sessions.map((session) => (
              <option value={session.sessionId}>{session.name}</option>
            ))}
          </select>
        </Field>
      </Form>
    </Dialog>
  );
}
