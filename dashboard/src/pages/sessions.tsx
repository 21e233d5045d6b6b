// The sessions of the account, live: their state, what is wrong, and how to link a phone.
import { useState } from "preact/hooks";
import { act, get, may, page, patch, post, remove, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Avatar } from "../components/Avatar";
import { Badge } from "../components/Badge";
import { Button } from "../components/Button";
import { Bones, Head } from "../components/Card";
import { Confirm, Dialog } from "../components/Dialog";
import { Empty } from "../components/Empty";
import { Field, typed } from "../components/Field";
import { Problem, tell, Told } from "../components/Problem";
import { number, phone, Time } from "../components/Time";
import { LinkPhone } from "../components/LinkPhone";
import { go, route, settle, to } from "../routes";
import { HELD, SESSION, trouble } from "../words";

type Session = Schemas["Session"];

export default function Sessions() {
  const sessions = useLoad((signal) => page<Session>("v1/sessions", { limit: 200 }, signal), [], (event) => event.event.startsWith("session."));
  const use = useLoad((signal) => (may("account:read") ? get<Schemas["Usage"]>("v1/usage", {}, signal) : Promise.resolve(null)), []);
  const [making, setMaking] = useState(false);
  const chosen = route.value.parts[1];
  const open = sessions.value?.data.find((session) => session.sessionId === chosen);
  const connected = sessions.value?.data.filter((session) => session.status === "connected").length ?? 0;
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
        {sessions.value && sessions.value.data.length > 0 && ` ${number(connected)} of ${number(sessions.value.data.length)} connected`}
        {use.value && sessions.value && sessions.value.data.length > 0 && `, ${number(use.value.today.messages)} ${use.value.today.messages === 1 ? "message" : "messages"} sent today.`}
      </Head>
      <Problem of={sessions.problem} />
      {sessions.loading && <Bones />}
      {sessions.value?.data.length === 0 && (
        <Empty icon="sessions" title="No session yet">
          <p>Make one, scan its code with a phone, and send the first message.</p>
          {may("sessions:write") && (
            <Button kind="main" icon="plus" onPress={() => setMaking(true)}>
              Make the first session
            </Button>
          )}
        </Empty>
      )}
      <ul class="columns" aria-label="Sessions">
        {sessions.value?.data.map((session) => (
          <li key={session.sessionId}>
            <Summary session={session} />
          </li>
        ))}
      </ul>
      {making && <Create onClose={() => setMaking(false)} onMade={(made) => (setMaking(false), sessions.again(), go("sessions", made.sessionId))} />}
      {open && <Details session={open} onClose={() => settle("sessions")} onChange={sessions.again} />}
    </div>
  );
}

export function State({ session }: { session: Session }) {
  const state = SESSION[session.status];
  return (
    <Badge tone={session.status === "connected" && session.degraded ? "wait" : state.tone} dot beating={state.moving}>
      {session.waitingFor ? `waits: ${session.waitingFor.replace("_", " ")}` : state.word}
    </Badge>
  );
}

function Summary({ session }: { session: Session }) {
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
      {session.status === "connected" && (
        <p>
          <a class="above" href={to("inbox", session.sessionId)}>
            Open the inbox
          </a>
        </p>
      )}
    </article>
  );
}

function Create({ onClose, onMade }: { onClose: () => void; onMade: (session: Session) => void }) {
  const [name, setName] = useState("");
  const [proxy, setProxy] = useState("");
  const [webhook, setWebhook] = useState("");
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const make = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      onMade(await post<Session>("v1/sessions", { name, ...(proxy && { proxy }), ...(webhook && { webhook }) }));
    } catch (refused) {
      setProblem(refused);
      setBusy(false);
    }
  };
  return (
    <Dialog title="New session" onClose={onClose}>
      <form class="stack" onSubmit={make}>
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
        <Problem of={problem} />
        <div class="row end">
          <Button type="submit" kind="main" busy={busy}>
            Make it and show the code
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Details({ session, onClose, onChange }: { session: Session; onClose: () => void; onChange: () => void }) {
  const [asks, setAsks] = useState<"logout" | "delete" | "rename" | null>(null);
  const wrong = trouble(session);
  const path = `v1/sessions/${session.sessionId}`;
  const restart = async () => {
    await act(`${path}/restart`);
    onChange();
  };
  const waits = session.status === "qr" || session.status === "starting";
  if (asks === "logout") {
    return (
      <Confirm title={`Log ${session.name} out?`} word="Log out" onClose={() => setAsks(null)} onYes={async () => (await act(`${path}/logout`), onChange(), tell("Logged out. WhatsApp has confirmed it."))}>
        <p>The phone removes this device. Messages that still wait are failed. Chats and messages stay here.</p>
        <p>To use the session again somebody has to scan a new code.</p>
      </Confirm>
    );
  }
  if (asks === "delete") {
    return (
      <Confirm title={`Delete ${session.name}?`} word="Delete for good" onClose={() => setAsks(null)} onYes={async () => (await remove(path), onChange(), onClose())}>
        <p>The phone removes this device, and the session with its keys is forgotten. This cannot be taken back.</p>
      </Confirm>
    );
  }
  if (asks === "rename") return <Rename session={session} onClose={() => setAsks(null)} onDone={onChange} />;
  return (
    <Dialog title={session.name} wide={waits} onClose={onClose}>
      <div class="row spread">
        <State session={session} />
        <span class="faint">
          since <Time at={session.statusAt} as="exact" />
        </span>
      </div>
      {wrong && <Told title={wrong.title} words={wrong.words} />}
      {session.refusal && wrong && session.refusal.text && wrong.words !== session.refusal.text && (
        <p class="soft">
          WhatsApp said {session.refusal.code}: {session.refusal.text}
          {session.refusal.until && (
            <>
              , until <Time at={session.refusal.until} as="exact" />
            </>
          )}
        </p>
      )}
      {wrong?.helps && may("sessions:write") && (
        <div class="row">
          <Button kind="main" icon="turn" onPress={restart}>
            {wrong.helps === "link" ? "Show a new code" : "Restart it"}
          </Button>
        </div>
      )}
      {waits && <LinkPhone session={session} />}
      {session.newContactsHeld && (
        <p class="soft">
          Everybody new waits until <Time at={session.newContactsHeld.until} as="exact" />: {HELD[session.newContactsHeld.reason]}.
        </p>
      )}
      <dl class="pairs">
        <dt>Number</dt>
        <dd>{session.phoneNumber ? phone(session.phoneNumber) : "none linked yet"}</dd>
        <dt>Last heard of WhatsApp</dt>
        <dd>{session.lastSeenAt ? <Time at={session.lastSeenAt} /> : "never"}</dd>
        <dt>Made</dt>
        <dd>
          <Time at={session.createdAt} as="exact" />
        </dd>
        {session.proxy && (
          <>
            <dt>Proxy</dt>
            <dd>{session.proxy}</dd>
          </>
        )}
        <dt>Id</dt>
        <dd>
          <code>{session.sessionId}</code>
        </dd>
      </dl>
      {may("sessions:write") && (
        <footer class="row">
          {session.status === "connected" && (
            <a class="button main" href={to("inbox", session.sessionId)}>
              Open the inbox
            </a>
          )}
          <Button icon="turn" onPress={restart}>
            {waits ? "New code" : "Restart"}
          </Button>
          <Button onPress={() => setAsks("rename")}>Rename</Button>
          {session.phoneNumber && session.status !== "disconnected" && <Button onPress={() => setAsks("logout")}>Log out</Button>}
          <Button kind="danger" icon="bin" onPress={() => setAsks("delete")}>
            Delete
          </Button>
        </footer>
      )}
    </Dialog>
  );
}

function Rename({ session, onClose, onDone }: { session: Session; onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState(session.name);
  return (
    <Dialog title="Rename" onClose={onClose}>
      <Field label="Name">
        <input value={name} maxLength={100} onInput={typed(setName)} />
      </Field>
      <div class="row end">
        <Button kind="main" onPress={async () => (await patch(`v1/sessions/${session.sessionId}`, { name }), onDone(), onClose())}>
          Keep it
        </Button>
      </div>
    </Dialog>
  );
}
