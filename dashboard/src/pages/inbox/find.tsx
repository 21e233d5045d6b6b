// What is looked for in a chat: words, kind, direction, state, days. The server searches, so all of the chat is searched.
import type { Schemas } from "../../api/client";
import { Button } from "../../components/Button";
import { Field, typed } from "../../components/Field";

export interface Wanted {
  text: string;
  type: string;
  direction: "" | Schemas["Direction"];
  status: "" | Schemas["MessageStatus"];
  since: string;
  until: string;
}

export const NOTHING: Wanted = { text: "", type: "", direction: "", status: "", since: "", until: "" };
export const isSet = (wanted: Wanted) => Object.values(wanted).some(Boolean);

const TYPES = { text: "texts", image: "pictures", video: "videos", audio: "audio", document: "documents", sticker: "stickers", location: "places", contact: "contact cards", poll: "polls" };
const STATES = { queued: "waiting", sent: "sent", delivered: "delivered", read: "read", failed: "failed" };

/** Days are the reader's own, from their first moment to their last. */
export function queryOf(wanted: Wanted) {
  const at = (day: string, hours: number) => (day ? new Date(new Date(`${day}T00:00`).getTime() + hours * 3_600_000).toISOString() : "");
  return { text: wanted.text.trim(), type: wanted.type, direction: wanted.direction, status: wanted.status, since: at(wanted.since, 0), until: at(wanted.until, 24) };
}

export function Find({ wanted, onChange }: { wanted: Wanted; onChange: (wanted: Wanted) => void }) {
  const set = (name: keyof Wanted) => typed((value) => onChange({ ...wanted, [name]: value }));
  return (
    <div class="find filters" role="search" aria-label="In this chat">
      <Field label="Words">
        <input type="search" value={wanted.text} onInput={set("text")} />
      </Field>
      <Field label="Kind">
        <Choice all="all" of={TYPES} value={wanted.type} onChange={set("type")} />
      </Field>
      <Field label="From whom">
        <Choice all="both" of={{ incoming: "came in", outgoing: "went out" }} value={wanted.direction} onChange={set("direction")} />
      </Field>
      <Field label="State">
        <Choice all="all" of={STATES} value={wanted.status} onChange={set("status")} />
      </Field>
      <Field label="From">
        <input type="date" value={wanted.since} onInput={set("since")} />
      </Field>
      <Field label="To">
        <input type="date" value={wanted.until} onInput={set("until")} />
      </Field>
      {isSet(wanted) && (
        <Button size="small" onPress={() => onChange(NOTHING)}>
          Show all
        </Button>
      )}
    </div>
  );
}

function Choice({ all, of, value, onChange, ...rest }: { all: string; of: Record<string, string>; value: string; onChange: (event: { currentTarget: { value: string } }) => void }) {
  return (
    <select {...rest} value={value} onChange={onChange}>
      <option value="">{all}</option>
      {Object.entries(of).map(([word, shown]) => (
        <option value={word}>{shown}</option>
      ))}
    </select>
  );
}
