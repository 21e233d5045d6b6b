// A phone in one's hand: it writes, reads, reacts, votes, edits, sleeps and unlinks.
import { useEffect, useRef, useState } from "preact/hooks";
import { listen } from "../../api/events";
import { useLoad } from "../../api/load";
import { control, ledger, type Entry, type Phone } from "../../api/sandbox";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { Field, typed } from "../../components/Field";
import { Problem } from "../../components/Problem";
import { phone } from "../../components/Time";
import { Habits } from "./habits";
import { does, isShown, Line, nameOf } from "./screen";
import { Sends } from "./sends";

export function Hand({ number: of, owner, onClose, onChange }: { number: string; owner: string; onClose: () => void; onChange: () => void }) {
  const one = useLoad(() => control<Phone>("GET", `/phones/${of}`), [of]);
  const entries = useLoad(() => ledger(of), [of]);
  const list = useRef<HTMLDivElement>(null);
  const again = () => {
    one.again();
    entries.again();
    onChange();
  };
  useEffect(() => listen(() => entries.again()), []);
  useEffect(() => list.current?.scrollTo({ top: list.current.scrollHeight }), [entries.value]);
  const doing = (path: string, body: unknown) => async () => {
    await control("POST", `/phones/${of}${path}`, body);
    again();
  };
  const shown = (entries.value ?? []).filter(isShown);
  const incoming = shown.filter((entry) => !entry.fromMe).at(-1);
  const own = shown.filter((entry) => entry.fromMe && entry.type === "text" && !entry.deleted).at(-1);
  return (
    <Dialog title={one.value ? nameOf(one.value) : phone(of)} wide onClose={onClose}>
      <Problem of={one.problem ?? entries.problem} />
      <p class="soft">
        {phone(of)}
        {one.value && ` · ${does(one.value)}`}
      </p>
      <div class="phone-screen tall" ref={list} tabIndex={0} role="log" aria-label="Screen">
        {entries.value && shown.length === 0 && <p class="faint">Nothing on the screen.</p>}
        {shown.map((entry) => (
          <Line key={entry.id} entry={entry} />
        ))}
      </div>
      <Sends of={of} to={of === owner ? "15550001001" : owner} onSent={again} />
      <div class="row">
        <Button size="small" onPress={doing("/read", {})}>
          Read everything
        </Button>
        {incoming && (
          <Button size="small" onPress={doing("/react", { id: incoming.id, emoji: "❤️" })}>
            React ❤️ to the last
          </Button>
        )}
        {incoming?.type === "poll" && incoming.options?.map((option) => (
          <Button size="small" onPress={doing("/send", { to: incoming.chat, type: "vote", target: incoming.id, options: [option] })}>
            Vote «{option}»
          </Button>
        ))}
        {own && <Own entry={own} of={of} onDone={again} />}
      </div>
      {one.value && (
        <details class="fold" open={!one.value.awake}>
          <summary>Habits</summary>
          <Habits phone={one.value} onChange={again} />
        </details>
      )}
    </Dialog>
  );
}

/** What a person does to the last thing that it said. */
function Own({ entry, of, onDone }: { entry: Entry; of: string; onDone: () => void }) {
  const [text, setText] = useState<string | null>(null);
  const send = async (body: Record<string, unknown>) => {
    await control("POST", `/phones/${of}/send`, { to: entry.chat, target: entry.id, ...body });
    setText(null);
    onDone();
  };
  if (text !== null) {
    return (
      <div class="filters">
        <Field label="It says now">
          <input value={text} onInput={typed(setText)} />
        </Field>
        <Button size="small" kind="main" onPress={() => send({ type: "edit", text })}>
          Edit it
        </Button>
      </div>
    );
  }
  return (
    <>
      <Button size="small" onPress={() => setText(entry.text ?? "")}>
        Edit its last words
      </Button>
      <Button size="small" onPress={() => send({ type: "delete" })}>
        Delete them for everybody
      </Button>
    </>
  );
}
