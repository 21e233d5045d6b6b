// Chats and messages of a session as people know them, live.
import { useState } from "preact/hooks";
import { may, page, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Button } from "../components/Button";
import { Bones } from "../components/Card";
import { Dialog } from "../components/Dialog";
import { Empty } from "../components/Empty";
import { Field, typed } from "../components/Field";
import { Problem } from "../components/Problem";
import { go, route, to } from "../routes";
import { Chats } from "./inbox/chats";
import { Conversation } from "./inbox/conversation";
import { after } from "./inbox/names";

type Chat = Schemas["Chat"];
type Session = Schemas["Session"];

export default function Inbox() {
  const sessions = useLoad((signal) => page<Session>("v1/sessions", { limit: 200 }, signal), [], (event) => event.event.startsWith("session."));
  const [, sessionId, chatId] = route.value.parts;
  const all = sessions.value?.data ?? [];
  const session = all.find((session) => session.sessionId === sessionId) ?? (sessionId ? undefined : (all.find((session) => session.status === "connected") ?? all[0]));
  if (sessions.loading) return <Bones />;
  if (!session) {
    return (
      <div class="page">
        <h1 class="away">Inbox</h1>
        <Problem of={sessions.problem} />
        <Empty icon="inbox" title={all.length ? "This session is not there" : "No session, no messages"}>
          <p>{all.length ? "It was deleted, or belongs to another account." : "Link a phone first; its chats appear here as messages come and go."}</p>
          <a class="button main" href={to("sessions")}>
            Go to the sessions
          </a>
        </Empty>
      </div>
    );
  }
  return <Of key={session.sessionId} session={session} sessions={all} chatId={chatId} />;
}

function Of({ session, sessions, chatId }: { session: Session; sessions: Session[]; chatId: string | undefined }) {
  const [starting, setStarting] = useState(false);
  const chats = useLoad(
    (signal) => page<Chat>("v1/chats", { sessionId: session.sessionId, limit: 100 }, signal),
    [session.sessionId],
    (event) => event.sessionId === session.sessionId && /^(message|poll)\./.test(event.event),
    after,
  );
  const start = may("messages:send") ? () => setStarting(true) : undefined;
  const chat = chats.value?.data.find((chat) => chat.chatId === chatId || chat.phoneNumber === chatId);
  return (
    <div class={`inbox ${chatId ? "in-chat" : ""}`}>
      <h1 class="away">Inbox</h1>
      <Chats session={session} sessions={sessions} chats={chats} chosen={chat?.chatId} onStart={start} />
      {chatId ? (
        <Conversation key={chatId} session={session} chatId={chatId} chat={chat} />
      ) : (
        <div class="conversation none">
          <Empty icon="inbox" title="Choose a chat" bare>
            <p>Or begin a new one with somebody's number.</p>
            {start && (
              <Button icon="plus" onPress={start}>
                New chat
              </Button>
            )}
          </Empty>
        </div>
      )}
      {starting && <Start session={session} onClose={() => setStarting(false)} />}
    </div>
  );
}

function Start({ session, onClose }: { session: Session; onClose: () => void }) {
  const [number, setNumber] = useState("");
  const begin = (event: SubmitEvent) => {
    event.preventDefault();
    onClose();
    go("inbox", session.sessionId, number.replace(/[^\d@a-z.-]/gi, ""));
  };
  return (
    <Dialog title="New chat" onClose={onClose}>
      <form class="stack" onSubmit={begin}>
        <Field label="Number" hint="In international form, such as +1 555 000 1001. The id of a group is taken too.">
          <input name="number" required value={number} onInput={typed(setNumber)} />
        </Field>
        <div class="row end">
          <Button type="submit" kind="main">
            Begin
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
