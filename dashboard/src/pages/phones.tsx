// The pretend phones as phones: what each screen shows, and hands that scan, type, read and sleep. In the sandbox only.
import { useEffect, useRef, useState } from "preact/hooks";
import { may, me, page, post, Refused, type Schemas } from "../api/client";
import { listen } from "../api/events";
import { useLoad } from "../api/load";
import { control, ledger, MAGIC, PEOPLE, phones as listPhones, type Entry, type Fault, type Phone } from "../api/sandbox";
import { Avatar } from "../components/Avatar";
import { Badge } from "../components/Badge";
import { Button } from "../components/Button";
import { Bones, Card, Head } from "../components/Card";
import { Dialog } from "../components/Dialog";
import { Empty } from "../components/Empty";
import { Field, typed } from "../components/Field";
import { Problem, report, tell } from "../components/Problem";
import { number, phone, Time } from "../components/Time";
import { to } from "../routes";

type Session = Schemas["Session"];

const FAULTS: [string, string][] = [
  ["drop_socket", "cut every connection now"],
  ["nack", "refuse the next message (503)"],
  ["swallow_ack", "deliver the next message, never acknowledge it"],
  ["delay_ack", "acknowledge the next message a second late"],
  ["drop_message", "lose the next message on its way"],
  ["refuse_upload", "refuse the next file"],
  ["stall", "stay connected, read nothing"],
];

export default function Phones() {
  const phones = useLoad(() => listPhones(), []);
  const sessions = useLoad((signal) => (me.value?.accountId ? page<Session>("v1/sessions", { limit: 200 }, signal) : Promise.resolve({ data: [], next: null })), [], (event) => event.event.startsWith("session."));
  const [open, setOpen] = useState<string | null>(null);
  useEffect(() => {
    // The phones tell nothing by themselves; whatever moves one of them moves the gateway's log too.
    let timer = 0;
    const stop = listen(() => {
      clearTimeout(timer);
      timer = window.setTimeout(phones.again, 400);
    });
    return () => (stop(), clearTimeout(timer));
  }, []);
  const known = phones.value ?? [];
  const owners = known.filter((one) => one.behaviour === "owner");
  const people: Phone[] = [
    ...PEOPLE.map((person) => known.find((one) => one.number === person.number) ?? { number: person.number, name: person.name, behaviour: person.does, awake: person.name !== "Asleep", waiting: 0, messages: 0, devices: [] }),
    ...known.filter((one) => one.behaviour !== "owner" && !PEOPLE.some((person) => person.number === one.number)),
  ];
  const session = sessions.value?.data.find((one) => one.status === "connected");
  return (
    <div class="page">
      <Head title="Pretend phones">What the other side really decrypted. Each phone is a person with habits; type as them, wake them, break their network.</Head>
      <Problem of={phones.problem} />
      {phones.loading && <Bones />}
      <h2>Your phones</h2>
      {phones.value && owners.length === 0 && (
        <Empty icon="phones" title="No phone has scanned yet">
          <p>A session's QR code makes one: «Scan with a pretend phone» beside the code.</p>
          <a class="button main" href={to("sessions")}>
            Go to the sessions
          </a>
        </Empty>
      )}
      <ul class="phones">
        {owners.map((one) => (
          <li key={one.number}>
            <Screen phone={one} onOpen={() => setOpen(one.number)} />
          </li>
        ))}
      </ul>
      <h2>People</h2>
      <ul class="phones">
        {people.map((one) => (
          <li key={one.number}>
            <Screen phone={one} session={session} onOpen={() => setOpen(one.number)} />
          </li>
        ))}
      </ul>
      <div class="columns two">
        <Magic session={session} />
        <Faults />
      </div>
      <Clock />
      {open && <Hand number={open} owner={owners[0]?.number ?? "15550000001"} onClose={() => setOpen(null)} onChange={phones.again} />}
    </div>
  );
}

/** Owners are called after their number, which stands below anyway. */
const nameOf = (phone: Phone) => (phone.name === `Owner ${phone.number}` ? "Owner" : phone.name);

const does = (phone: Phone) => PEOPLE.find((person) => person.number === phone.number)?.does ?? (phone.behaviour === "owner" ? (phone.devices.length ? "owns a linked session" : "owns no linked session now") : phone.behaviour);

function Screen({ phone: one, session, onOpen }: { phone: Phone; session?: Session; onOpen: () => void }) {
  const entries = useLoad(() => (one.messages || one.waiting ? ledger(one.number) : Promise.resolve<Entry[]>([])), [one.number, one.messages, one.waiting]);
  const shown = (entries.value ?? []).filter((entry) => entry.type !== "reaction").slice(-4);
  return (
    <article class={`phone ${one.awake ? "" : "asleep"}`} aria-label={`${nameOf(one)}'s phone`}>
      <header>
        <Avatar name={nameOf(one)} small />
        <div class="grow">
          <h3>{nameOf(one)}</h3>
          <p class="faint">{phone(one.number)}</p>
        </div>
        {!one.awake && <Badge tone="wait">asleep</Badge>}
        {one.devices.length > 0 && <Badge tone="good">{number(one.devices.length)} linked</Badge>}
      </header>
      <div class="phone-screen">
        {shown.length === 0 && <p class="faint">{one.awake ? "Nothing on the screen." : `${number(one.waiting)} waiting.`}</p>}
        {shown.map((entry) => (
          <Line key={entry.id} entry={entry} />
        ))}
      </div>
      <footer>
        <span class="faint">{does(one)}</span>
        <div class="row">
          {session && may("messages:send") && (
            <Button size="small" onPress={async () => (await post("v1/messages/text", { sessionId: session.sessionId, to: one.number, text: `Hello ${one.name}` }), tell(`Sent to ${one.name}`))}>
              Say hello
            </Button>
          )}
          <Button size="small" onPress={onOpen}>
            Pick it up
          </Button>
        </div>
      </footer>
    </article>
  );
}

function Line({ entry }: { entry: Entry }) {
  const words = entry.deleted ? "deleted" : (entry.text ?? entry.media?.caption ?? entry.question ?? entry.name ?? (entry.media ? `a file (${entry.media.type})` : entry.type));
  return (
    <p class={`line ${entry.fromMe ? "out" : "in"}`}>
      {words}
      {entry.reactions && Object.values(entry.reactions).map((emoji) => <span> {emoji}</span>)}
      <span class="faint">
        {" "}
        <Time at={entry.firstAtMs} as="clock" />
        {!entry.fromMe && entry.readAtMs ? " · read" : ""}
      </span>
    </p>
  );
}

/** A phone in one's hand: it writes, reads, reacts, sleeps and unlinks. */
function Hand({ number: of, owner, onClose, onChange }: { number: string; owner: string; onClose: () => void; onChange: () => void }) {
  const one = useLoad(() => control<Phone>("GET", `/phones/${of}`), [of]);
  const entries = useLoad(() => ledger(of), [of]);
  const [text, setText] = useState("");
  const [to, setTo] = useState(of === owner ? "15550001001" : owner);
  const list = useRef<HTMLDivElement>(null);
  const again = () => {
    one.again();
    entries.again();
    onChange();
  };
  useEffect(() => listen(() => entries.again()), []);
  useEffect(() => list.current?.scrollTo({ top: list.current.scrollHeight }), [entries.value]);
  const say = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    await control("POST", `/phones/${of}/send`, { to, text }).then(() => (setText(""), again()), report);
  };
  const last = entries.value?.filter((entry) => !entry.fromMe).at(-1);
  return (
    <Dialog title={one.value ? nameOf(one.value) : phone(of)} onClose={onClose}>
      <Problem of={one.problem ?? entries.problem} />
      <p class="soft">
        {phone(of)}
        {one.value && ` · ${does(one.value)}`}
      </p>
      <div class="phone-screen tall" ref={list} tabIndex={0} role="log" aria-label="Screen">
        {entries.value?.length === 0 && <p class="faint">Nothing on the screen.</p>}
        {entries.value?.map((entry) => (
          <Line key={entry.id} entry={entry} />
        ))}
      </div>
      <form class="stack tight" onSubmit={say}>
        <div class="filters">
          <Field label="To">
            <input value={to} onInput={typed(setTo)} />
          </Field>
          <Field label="Text">
            <input value={text} onInput={typed(setText)} />
          </Field>
          <Button type="submit" kind="main" icon="send">
            Write
          </Button>
        </div>
      </form>
      <div class="row">
        <Button onPress={async () => (await control("POST", `/phones/${of}/read`, {}), again())}>Read everything</Button>
        {last && <Button onPress={async () => (await control("POST", `/phones/${of}/react`, { id: last.id, emoji: "❤️" }), again())}>React ❤️ to the last</Button>}
        {one.value?.awake === false ? <Button onPress={async () => (await control("POST", `/phones/${of}/wake`), again())}>Wake it</Button> : <Button onPress={async () => (await control("POST", `/phones/${of}/sleep`), again())}>Put it to sleep</Button>}
        {Boolean(one.value?.devices.length) && (
          <Button kind="danger" onPress={async () => (await control("POST", `/phones/${of}/logout`, {}), again())}>
            Unlink the session
          </Button>
        )}
      </div>
    </Dialog>
  );
}

function Magic({ session }: { session: Session | undefined }) {
  const [problem, setProblem] = useState<unknown>(null);
  const [sent, setSent] = useState<string | null>(null);
  return (
    <Card title="Magic numbers">
      <p class="soft">Each meets its own trouble. One click sends a text there, so that you see what your program would.</p>
      <ul class="stack tight">
        {MAGIC.map((one) => (
          <li class="row spread">
            <span class="grow">
              <code>{one.number}</code> <span class="soft">{one.does}</span>
            </span>
            <Button
              size="small"
              disabled={!session || !may("messages:send")}
              onPress={async () => {
                setProblem(null);
                setSent(null);
                try {
                  const message = await post<Schemas["Message"]>("v1/messages/text", { sessionId: session!.sessionId, to: one.number, text: "Hello" }, { wait: 3 });
                  setSent(`${one.number}: ${message.status}${message.error ? `, ${message.error.code}` : ""}`);
                } catch (refused) {
                  setProblem(refused instanceof Refused ? refused : new Error(String(refused)));
                }
              }}
            >
              Try {one.name}
            </Button>
          </li>
        ))}
      </ul>
      {!session && <p class="faint">Link a session first.</p>}
      <Problem of={problem} />
      {sent && <p role="status">{sent}</p>}
    </Card>
  );
}

function Faults() {
  const faults = useLoad(() => control<Fault[]>("GET", "/faults"), []);
  return (
    <Card title="Faults of the network">
      <ul class="stack tight">
        {FAULTS.map(([action, words]) => (
          <li class="row spread">
            <span class="grow">
              {words} <code class="faint">{action}</code>
            </span>
            <Button size="small" onPress={async () => (await control("POST", "/faults", { action, ...(action !== "drop_socket" && action !== "stall" && { times: 1 }) }), faults.again())}>
              Do it
            </Button>
          </li>
        ))}
      </ul>
      <div class="row spread">
        <span class="soft">{faults.value?.length ? `${number(faults.value.length)} in force: ${faults.value.map((fault) => fault.action).join(", ")}` : "None in force."}</span>
        {Boolean(faults.value?.length) && (
          <Button size="small" kind="danger" onPress={async () => (await control("DELETE", "/faults"), faults.again())}>
            Mend everything
          </Button>
        )}
      </div>
      <Problem of={faults.problem} />
    </Card>
  );
}

function Clock() {
  const clock = useLoad(() => control<{ now: string; aheadSeconds: number }>("GET", "", undefined, "clock"), []);
  const forward = (advanceSeconds: number) => async () => {
    await control("POST", "", { advanceSeconds }, "clock");
    clock.again();
  };
  return (
    <Card title="The gateway's clock">
      <p class="soft">
        {clock.value && (
          <>
            It shows <Time at={clock.value.now} as="exact" />
            {clock.value.aheadSeconds > 0 && `, ${number(clock.value.aheadSeconds)} seconds ahead`}. It goes forward only.
          </>
        )}
      </p>
      <Problem of={clock.problem} />
      <div class="row">
        <Button icon="clock" onPress={forward(60)}>
          A minute
        </Button>
        <Button icon="clock" onPress={forward(3_600)}>
          An hour
        </Button>
        <Button icon="clock" onPress={forward(86_400)}>
          A day
        </Button>
      </div>
    </Card>
  );
}
