// One session: what it is, how it is, what helps, and what can be done to it.
import { useState } from "preact/hooks";
import { act, get, may, me, page, patch, remove, type Schemas } from "../../api/client";
import { useLoad } from "../../api/load";
import { Button } from "../../components/Button";
import { Confirm, Dialog } from "../../components/Dialog";
import { Field, typed } from "../../components/Field";
import { Form } from "../../components/Form";
import { LinkPhone } from "../../components/LinkPhone";
import { report, tell, Told } from "../../components/Problem";
import { State } from "../../components/SessionState";
import { number, phone, Time } from "../../components/Time";
import { to } from "../../routes";
import { HELD, trouble } from "../../words";
import { Move } from "../operator/places";
import { counted, type Count } from "./today";

type Session = Schemas["Session"];

interface Props {
  listed: Session;
  count: Count | undefined;
  isLeast: boolean;
  onClose: () => void;
  onChange: () => void;
}

export function Details({ listed, count, isLeast, onClose, onChange }: Props) {
  const [asks, setAsks] = useState<"logout" | "delete" | "rename" | "move" | null>(null);
  const path = `v1/sessions/${listed.sessionId}`;
  // Asked for by itself it tells more than in a list.
  const loaded = useLoad((signal) => get<Session>(path, {}, signal), [listed.sessionId, listed.statusAt], (event) => event.sessionId === listed.sessionId && event.event.startsWith("session."));
  const session = loaded.value ?? listed;
  const waits = session.status === "qr" || session.status === "starting";
  const restart = async () => {
    await act(`${path}/restart`);
    loaded.again();
    onChange();
  };
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
  if (asks === "move") return <Move session={session} onClose={() => setAsks(null)} onDone={() => (loaded.again(), onChange())} />;
  if (asks === "rename") return <Change session={session} onClose={() => setAsks(null)} onDone={() => (loaded.again(), onChange())} />;
  return (
    <Dialog title={session.name} wide={waits} onClose={onClose}>
      <div class="row spread">
        <State session={session} />
        <span class="faint">
          since <Time at={session.statusAt} as="exact" />
        </span>
      </div>
      <Trouble session={session} onRestart={restart} />
      {waits && <LinkPhone session={session} />}
      <Health session={session} />
      <dl class="pairs">
        <dt>Number</dt>
        <dd>
          {session.phoneNumber ? phone(session.phoneNumber) : "none linked yet"}
          {session.phoneNumber && session.numberSince && (
            <span class="faint">
              {" "}
              since <Time at={session.numberSince} as="exact" />
            </span>
          )}
        </dd>
        {count && (
          <>
            <dt>Messages today</dt>
            <dd>{counted(count, isLeast)}</dd>
          </>
        )}
        {session.phoneNumber && may("messages:read") && <Waiting session={session} />}
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
        {session.lid && (
          <>
            <dt>LID</dt>
            <dd>
              <code>{session.lid}</code>
            </dd>
          </>
        )}
        <dt>Id</dt>
        <dd>
          <code>{session.sessionId}</code>
        </dd>
      </dl>
      <footer class="row">
        {session.status === "connected" && may("messages:read") && (
          <a class="button main" href={to("inbox", session.sessionId)}>
            Open the inbox
          </a>
        )}
        {session.status === "connected" && session.phoneNumber && may("contacts:read") && <SeePicture session={session} />}
        {may("sessions:write") && (
          <>
            <Button icon="turn" onPress={restart}>
              {waits ? "New code" : "Restart"}
            </Button>
            <Button onPress={() => setAsks("rename")}>Rename</Button>
            {me.value?.operator && <Button onPress={() => setAsks("move")}>Move</Button>}
            {session.phoneNumber && session.status !== "disconnected" && <Button onPress={() => setAsks("logout")}>Log out</Button>}
            <Button kind="danger" icon="bin" onPress={() => setAsks("delete")}>
              Delete
            </Button>
          </>
        )}
      </footer>
    </Dialog>
  );
}

/** What is wrong in the catalogue's words, and the one thing that helps. */
function Trouble({ session, onRestart }: { session: Session; onRestart: () => Promise<void> }) {
  const wrong = trouble(session);
  const refusal = session.refusal;
  return (
    <>
      {wrong && <Told title={wrong.title} words={wrong.words} />}
      {refusal?.text && wrong && wrong.words !== refusal.text && (
        <p class="soft">
          WhatsApp said {refusal.code}: {refusal.text}
          {refusal.until && (
            <>
              , until <Time at={refusal.until} as="exact" />
            </>
          )}
        </p>
      )}
      {wrong?.helps && (
        <div class="row">
          {wrong.helps === "passkey" ? (
            <a class="button main" href={to("docs", "op", "get_session_passkey")}>
              How the owner confirms it
            </a>
          ) : wrong.helps === "operator" ? (
            me.value?.operator ? (
              <a class="button main" href={to("operator", "whatsapp")}>
                Go to the switches
              </a>
            ) : (
              <p class="soft">Ask the operator of this Wharf.</p>
            )
          ) : (
            may("sessions:write") && (
              <Button kind="main" icon="turn" onPress={onRestart}>
                {wrong.helps === "link" ? "Show a new code" : "Restart it"}
              </Button>
            )
          )}
        </div>
      )}
      {session.newContactsHeld && (
        <p class="soft">
          Everybody new waits until <Time at={session.newContactsHeld.until} as="exact" />: {HELD[session.newContactsHeld.reason]}.
        </p>
      )}
    </>
  );
}

/** What was looked at, and when. */
function Health({ session }: { session: Session }) {
  const looks = [
    { what: "Connection to WhatsApp", good: session.status === "connected", at: session.lastSeenAt, words: session.status === "connected" ? "answers; a silent one is probed and given up within 90 seconds" : session.lastSeenAt ? "was last heard of then" : "was never there" },
    { what: "The account's phone", good: session.degraded !== "phone_away", at: undefined, words: session.degraded === "phone_away" ? "not heard of for ten days" : "heard of within ten days" },
    { what: "Settings and names", good: session.degraded !== "app_state", at: undefined, words: session.degraded === "app_state" ? "WhatsApp did not give them" : "complete" },
  ];
  if (!session.phoneNumber) return null;
  return (
    <ul class="health" aria-label="Health">
      {looks.slice(0, session.status === "connected" ? 3 : 1).map((look) => (
        <li class={look.good ? "good" : "bad"}>
          <strong>{look.what}</strong>
          <span>
            <span class="away">{look.good ? "good: " : "not good: "}</span>
            {look.words}
            {look.at && (
              <span class="faint">
                {" · "}
                <Time at={look.at} />
              </span>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** What has not gone out yet, and why the oldest has not. */
function Waiting({ session }: { session: Session }) {
  const queued = useLoad(
    (signal) => page<Schemas["Message"]>("v1/messages", { sessionId: session.sessionId, status: "queued", limit: 200 }, signal),
    [session.sessionId],
    (event) => event.sessionId === session.sessionId && event.event === "message.status",
  );
  if (!queued.value) return null;
  const { data, next } = queued.value;
  const oldest = data.at(-1);
  return (
    <>
      <dt>Waits to go out</dt>
      <dd>
        {data.length === 0 ? "nothing" : `${number(data.length)}${next ? "+" : ""}`}
        {oldest && (
          <span class="faint">
            , the oldest <Time at={oldest.createdAt} />
            {oldest.heldReason && `: ${HELD[oldest.heldReason]}`}
          </span>
        )}
      </dd>
    </>
  );
}

/** WhatsApp keeps the picture at an address of its own, which this page may not load: another tab shows it. */
function SeePicture({ session }: { session: Session }) {
  const see = async () => {
    const picture = await get<Schemas["Picture"]>(`v1/contacts/${session.phoneNumber}/picture`, { sessionId: session.sessionId });
    window.open(picture.url, "_blank", "noopener,noreferrer");
  };
  return <Button onPress={() => see().catch(report)}>See its picture</Button>;
}

function Change({ session, onClose, onDone }: { session: Session; onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState(session.name);
  return (
    <Dialog title="Rename" onClose={onClose}>
      <Form word="Keep it" onSubmit={async () => (await patch(`v1/sessions/${session.sessionId}`, { name }), onDone(), onClose())}>
        <Field label="Name">
          <input required value={name} maxLength={100} onInput={typed(setName)} />
        </Field>
      </Form>
    </Dialog>
  );
}
