// Faults of the pretend network: which there are, which are in force, and for whom.
import { useState } from "preact/hooks";
import { useLoad } from "../../api/load";
import { control, type Fault } from "../../api/sandbox";
import { Button } from "../../components/Button";
import { Card } from "../../components/Card";
import { Field, typed } from "../../components/Field";
import { Form } from "../../components/Form";
import { Problem, tell } from "../../components/Problem";
import { number, phone } from "../../components/Time";

/** What can go wrong, by what it befalls. In words of one line; the simulator's page has all of them. */
const FAULTS: Record<string, Record<string, string>> = {
  Connections: {
    drop_socket: "every connection is cut now",
    stall: "they stay open, and nothing is read or written",
    refuse_login: "a login is refused with a code",
    stream_error: "the streams of linked devices end with a code",
  },
  "Messages that go out": {
    nack: "the message is refused with a code",
    delay_ack: "it is acknowledged late",
    swallow_ack: "it is delivered and never acknowledged",
    drop_message: "it is lost on its way",
    garble_message: "its copies arrive damaged",
    refresh_lid: "the recipient has another LID by now",
    refuse_keys: "the recipient's keys are refused",
    omit_keys: "the recipient's keys are left out",
    delay_keys: "the recipient's keys come late",
    drop_on_keys: "the connection is cut when keys are asked for",
    unsigned_devices: "the recipient's devices come without a signature",
    forged_devices: "they come with a signature that nobody made",
  },
  "Messages that come in": {
    swallow_retry: "a device that asks for a message again gets no answer",
    swallow_recovery: "nor does one that asks its own phone",
  },
  Linking: {
    expire_qr: "codes are over at once",
    hold_qr: "no codes come",
    refuse_registration: "a new device is refused with a code",
    refuse_pair_code: "a pairing code is refused",
    refuse_pair_finish: "the typed code is refused",
  },
  Files: {
    refuse_upload: "a file is refused",
    cut_upload: "the connection is cut halfway up",
    stall_upload: "from the middle on nothing is taken",
    refuse_download: "a file is not there",
    cut_download: "the connection is cut halfway down",
    corrupt_download: "one bit of the file is turned",
    stall_download: "half of the file comes, and then nothing",
    refuse_reupload: "the phone does not have the lost file either",
  },
  "Names and settings": {
    silent_app_state: "they are not answered",
    refuse_app_state: "they are refused with a code",
    conflict_app_state: "they conflict for ever",
    garble_app_state: "they hold nonsense",
    forge_app_state: "they do not add up",
    lock_app_state: "they are sealed under a key that nobody shares",
  },
};
/** Those that happen at once rather than stay in force. */
const AT_ONCE = new Set(["drop_socket", "stream_error"]);
const NUMBERS = ["times", "code", "delayMs", "after"] as const;
const LABELS: Record<(typeof NUMBERS)[number], string> = { times: "How often", code: "Code", delayMs: "Milliseconds late", after: "Lets so many pass" };

export function Faults() {
  const faults = useLoad(() => control<Fault[]>("GET", "/faults"), []);
  const [action, setAction] = useState("nack");
  const [to, setTo] = useState("");
  const [of, setOf] = useState("");
  const [numbers, setNumbers] = useState<Record<string, string>>({ times: "1" });
  const words = Object.values(FAULTS).find((group) => action in group)?.[action];
  const add = async () => {
    const told = Object.fromEntries(NUMBERS.filter((name) => numbers[name] && !(AT_ONCE.has(action) && name === "times")).map((name) => [name, Number(numbers[name])]));
    const done = await control<{ dropped?: number; told?: number }>("POST", "/faults", { action, ...told, ...(to && { to }), ...(of && { phone: of }) });
    if (AT_ONCE.has(action)) tell(`Done to ${number(done.dropped ?? done.told ?? 0)}`);
    faults.again();
  };
  return (
    <Card title="Faults of the network">
      <Form word={AT_ONCE.has(action) ? "Do it now" : "Put it in force"} onSubmit={add}>
        <Field label="What goes wrong" hint={words}>
          <select value={action} onChange={typed(setAction)}>
            {Object.entries(FAULTS).map(([group, actions]) => (
              <optgroup label={group}>
                {Object.entries(actions).map(([name, words]) => (
                  <option value={name}>{`${name}: ${words}`}</option>
                ))}
              </optgroup>
            ))}
          </select>
        </Field>
        <details class="fold">
          <summary>For whom, how often, how</summary>
          <div class="filters">
            <Field label="Recipient">
              <input placeholder="everybody" value={to} onInput={typed(setTo)} />
            </Field>
            <Field label="Owner's phone">
              <input placeholder="every one" value={of} onInput={typed(setOf)} />
            </Field>
            {NUMBERS.map((name) => (
              <Field key={name} label={LABELS[name]}>
                <input inputMode="numeric" pattern="[0-9]*" placeholder={name === "times" ? "always" : "as usual"} value={numbers[name] ?? ""} onInput={typed((value) => setNumbers({ ...numbers, [name]: value }))} />
              </Field>
            ))}
          </div>
        </details>
      </Form>
      <h3>In force</h3>
      {faults.value?.length === 0 && <p class="soft">None: the network does what it should.</p>}
      <ul class="stack tight">
        {faults.value?.map((fault) => (
          <li class="row spread" key={fault.id}>
            <span class="grow">
              <code>{fault.action}</code>{" "}
              <span class="faint">{[fault.to && `to ${phone(fault.to)}`, fault.phone && `of ${phone(fault.phone)}`, fault.times !== undefined ? `${number(fault.times)} times` : "always"].filter(Boolean).join(", ")}</span>
            </span>
            <Button size="small" onPress={async () => (await control("DELETE", `/faults/${fault.id}`), faults.again())}>
              Mend it
            </Button>
          </li>
        ))}
      </ul>
      {(faults.value?.length ?? 0) > 1 && (
        <div class="row">
          <Button size="small" kind="danger" onPress={async () => (await control("DELETE", "/faults"), faults.again())}>
            Mend everything
          </Button>
        </div>
      )}
      <Problem of={faults.problem} />
    </Card>
  );
}
