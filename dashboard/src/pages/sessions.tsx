// The sessions of the account, live: their state, what is wrong, and how to link a phone.
import { useState } from "preact/hooks";
import { get, may, page, post, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Avatar } from "../components/Avatar";
import { Button } from "../components/Button";
import { Bones, Head } from "../components/Card";
import { Dialog } from "../components/Dialog";
import { Empty } from "../components/Empty";
import { Field, typed } from "../components/Field";
import { Form } from "../components/Form";
import { Problem } from "../components/Problem";
import { State } from "../components/SessionState";
import { number, phone, Time } from "../components/Time";
import { go, route, settle, to } from "../routes";
import { trouble } from "../words";
import { Details } from "./sessions/details";
import { counted, useToday, type Today } from "./sessions/today";

type Session = Schemas["Session"];

/** From how many sessions on one looks for them. */
const MANY = 8;

export default function Sessions() {
  const sessions = useLoad((signal) => page<Session>("v1/sessions", { limit: 200 }, signal), [], (event) => event.event.startsWith("session."));
  const use = useLoad((signal) => (may("account:read") ? get<Schemas["Usage"]>("v1/usage", {}, signal) : Promise.resolve(null)), []);
  const today = useToday();
  const [making, setMaking] = useState(false);
  const [search, setSearch] = useState("");
  const [filter, setFilter] = useState<"" | "connected" | "trouble">("");
  const chosen = route.value.parts[1];
  const all = sessions.value?.data ?? [];
  const open = all.find((session) => session.sessionId === chosen);
  const connected = all.filter((session) => session.status === "connected").length;
  const words = search.trim().toLowerCase();
  const shown = all.filter(
    (session) =>
      (!filter || (filter === "trouble" ? trouble(session) !== null : session.status === filter)) &&
      (!words || [session.name, session.phoneNumber, session.sessionId].some((text) => text?.toLowerCase().includes(words))),
  );
  return (
    <div class="page">
      <Head
        title="Sessions"
        actions={
          may("sessions:write") && (
            <Button kind="main" icon="plus" onPress={() => setMaking(true)}>
              New session
            </Button>
          )
        }
      >
        Each session is one WhatsApp account, linked like WhatsApp Web.
        {all.length > 0 && ` ${number(connected)} of ${number(all.length)} connected`}
        {use.value && all.length > 0 && `, ${number(use.value.today.messages)} ${use.value.today.messages === 1 ? "message" : "messages"} sent today.`}
      </Head>
      <Problem of={sessions.problem} />
      {sessions.loading && <Bones />}
      {sessions.value && all.length === 0 && (
        <Empty icon="sessions" title="No session yet">
          <p>{may("sessions:write") ? "Make one, scan its code with a phone, and send the first message." : "Somebody of this account with the right to has to make one."}</p>
          {may("sessions:write") && (
            <Button kind="main" icon="plus" onPress={() => setMaking(true)}>
              Make the first session
            </Button>
          )}
        </Empty>
      )}
      {all.length >= MANY && (
        <div class="filters">
          <Field label="Find">
            <input type="search" placeholder="Name or number" value={search} onInput={typed(setSearch)} />
          </Field>
          <Field label="State">
            <select value={filter} onChange={typed((value) => setFilter(value as typeof filter))}>
              <option value="">all</option>
              <option value="connected">connected</option>
              <option value="trouble">needs something</option>
            </select>
          </Field>
        </div>
      )}
      {all.length > 0 && shown.length === 0 && <p class="soft">No session fits.</p>}
      <ul class="columns" aria-label="Sessions">
        {shown.map((session) => (
          <li key={session.sessionId}>
            <Summary session={session} today={today} />
          </li>
        ))}
      </ul>
      {making && <Create onClose={() => setMaking(false)} onMade={(made) => (setMaking(false), sessions.again(), go("sessions", made.sessionId))} />}
      {open && <Details key={open.sessionId} listed={open} count={today?.of(open.sessionId)} isLeast={today?.isLeast ?? false} onClose={() => settle("sessions")} onChange={sessions.again} />}
    </div>
  );
}

function Summary({ session, today }: { session: Session; today: Today | null }) {
  const wrong = trouble(session);
  return (
    <article class="card session">
      <header>
        <Avatar name={session.name} />
        <div class="grow">
          <h2>
            <a class="cover" href={to("sessions", session.sessionId)}>
              {session.name}
            </a>
          </h2>
          <p class="soft">{session.phoneNumber ? phone(session.phoneNumber) : "no phone linked"}</p>
        </div>
      </header>
      <div class="row spread">
        <State session={session} />
        <span class="faint">
          {session.status === "connected" && session.lastSeenAt ? (
            <>
              heard <Time at={session.lastSeenAt} />
            </>
          ) : (
            <>
              since <Time at={session.statusAt} />
            </>
          )}
        </span>
      </div>
      {wrong && <p class="faint">{wrong.title}.</p>}
      {session.phoneNumber && (
        <div class="row spread">
          <span class="faint">{today && `today ${counted(today.of(session.sessionId), today.isLeast)}`}</span>
          {session.status === "connected" && may("messages:read") && (
            <a class="above" href={to("inbox", session.sessionId)}>
              Open the inbox
            </a>
          )}
        </div>
      )}
    </article>
  );
}

function Create({ onClose, onMade }: { onClose: () => void; onMade: (session: Session) => void }) {
  const [name, setName] = useState("");
  const [proxy, setProxy] = useState("");
  const [webhook, setWebhook] = useState("");
  const make = async () => onMade(await post<Session>("v1/sessions", { name, ...(proxy && { proxy }), ...(webhook && { webhook }) }));
  return (
    <Dialog title="New session" onClose={onClose}>
      <Form word="Make it and show the code" onSubmit={make}>
        <Field label="Name" hint="For you and your team; nobody on WhatsApp sees it.">
          <input name="session-name" required maxLength={100} value={name} onInput={typed(setName)} />
        </Field>
        <details class="fold">
          <summary>Proxy and webhook</summary>
          <div class="stack">
            <Field label="Proxy" hint="socks5://host:port or http://host:port, for this session alone.">
              <input value={proxy} onInput={typed(setProxy)} />
            </Field>
            <Field label="Webhook" hint="Gets everything that happens in this session.">
              <input type="url" value={webhook} onInput={typed(setWebhook)} />
            </Field>
          </div>
        </details>
      </Form>
    </Dialog>
  );
}
