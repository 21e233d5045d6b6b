// A first visit to the sandbox: a session, its code, one click, a first message, an answer. It goes by itself but for the click.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, may, page, post, type Schemas } from "../api/client";
import { listen } from "../api/events";
import { useLoad } from "../api/load";
import { Bubble } from "../components/Bubble";
import { Button } from "../components/Button";
import { Bones, Card, Head } from "../components/Card";
import { Code, curl } from "../components/Code";
import { LinkPhone } from "../components/LinkPhone";
import { Problem } from "../components/Problem";
import { to } from "../routes";
import { State } from "../components/SessionState";

type Session = Schemas["Session"];
type Message = Schemas["Message"];

const ECHO = "15550001001";
const HELLO = "Hello from the dashboard";

export default function Start() {
  const sessions = useLoad((signal) => page<Session>("v1/sessions", { limit: 200 }, signal), [], (event) => event.event.startsWith("session."));
  const [problem, setProblem] = useState<unknown>(null);
  const making = useRef(false);
  const all = sessions.value?.data;
  const session = all?.find((session) => session.status === "connected") ?? all?.find((session) => session.status === "qr" || session.status === "starting") ?? all?.[0];
  const make = async () => {
    if (making.current) return;
    making.current = true;
    try {
      await post("v1/sessions", { name: "demo" });
      sessions.again();
    } catch (refused) {
      setProblem(refused);
    }
    making.current = false;
  };
  useEffect(() => {
    if (all && all.length === 0 && may("sessions:write")) void make();
  }, [all?.length]);
  const connected = session?.status === "connected";
  return (
    <div class="page">
      <Head title="Your first message">The whole way, on pretend phones: nothing leaves this machine. The requests below are what your program would send.</Head>
      <Problem of={problem ?? sessions.problem} />
      <ol class="tour">
        <Step at={1} title="A session" done={Boolean(session)}>
          {sessions.loading && <Bones />}
          {session ? (
            <div class="row">
              <strong>{session.name}</strong> <State session={session} />
            </div>
          ) : (
            <p class="soft">It is being made.</p>
          )}
          <Fold text={curl("POST", "v1/sessions", { name: "demo" })} />
        </Step>
        <Step at={2} title="A phone scans its code" done={connected}>
          {connected ? (
            <p class="soft">Linked: +{session.phoneNumber}. On the real WhatsApp you would have pointed your phone's camera at the code.</p>
          ) : session ? (
            session.status === "qr" || session.status === "starting" ? (
              <LinkPhone session={session} />
            ) : (
              <p>
                <a href={to("sessions", session.sessionId)}>See what this session needs</a>
              </p>
            )
          ) : (
            <p class="soft">Comes next.</p>
          )}
        </Step>
        <Step at={3} title="A message, and the answer" done={false} open={connected}>
          {connected ? <Exchange session={session} /> : <p class="soft">Goes out as soon as the phone is linked.</p>}
        </Step>
      </ol>
      {connected && (
        <Card title="Where to go from here">
          <div class="row">
            <a class="button main" href={to("inbox", session.sessionId)}>
              Open the inbox
            </a>
            <a class="button" href={to("phones")}>
              See the pretend phones
            </a>
            <a class="button" href={to("keys")}>
              Make a key of your own
            </a>
            <a class="button" href={to("docs")}>
              Read the reference
            </a>
          </div>
        </Card>
      )}
    </div>
  );
}

function Step({ at, title, done, open, children }: { at: number; title: string; done: boolean; open?: boolean; children: preact.ComponentChildren }) {
  return (
    <li class={`card step ${done ? "done" : ""} ${open ? "open" : ""}`}>
      <span class="step-number" aria-hidden="true">
        {done ? "✓" : at}
      </span>
      <div class="stack">
        <h2>
          {title}
          {done && <span class="away"> (done)</span>}
        </h2>
        {children}
      </div>
    </li>
  );
}

const Fold = ({ text }: { text: string }) => (
  <details class="fold">
    <summary>The request</summary>
    <Code text={text} label="curl" />
  </details>
);

function Exchange({ session }: { session: Session }) {
  const [messages, setMessages] = useState<Message[]>([]);
  const [problem, setProblem] = useState<unknown>(null);
  const begun = useRef(false);
  const body = { sessionId: session.sessionId, to: ECHO, text: HELLO };
  const put = (message: Message) => setMessages((before) => [...before.filter((one) => one.messageId !== message.messageId), message].sort((one, other) => one.createdAt.localeCompare(other.createdAt)).slice(-6));
  const send = async () => {
    setProblem(null);
    try {
      put(await post<Message>("v1/messages/text", body));
    } catch (refused) {
      setProblem(refused);
    }
  };
  useEffect(() => {
    const stop = listen((event) => {
      const message = event.data as unknown as Message;
      if (event.sessionId !== session.sessionId || message.chat?.phoneNumber !== ECHO) return;
      if (event.event === "message.received") put(message);
      else if (event.event === "message.status") void get<Message>(`v1/messages/${message.messageId}`).then(put, () => undefined);
    });
    void page<Message>("v1/messages", { sessionId: session.sessionId, chatId: ECHO, limit: 6 }).then(
      (found) => {
        found.data.filter((message) => message.type === "text").forEach(put);
        if (found.data.length === 0 && !begun.current && may("messages:send")) {
          begun.current = true;
          void send();
        }
      },
      setProblem,
    );
    return stop;
  }, []);
  return (
    <>
      <Problem of={problem} />
      <div class="exchange" role="log" aria-label="Messages with Echo">
        {messages.length === 0 && <p class="soft">On its way.</p>}
        {messages.map((message) => (
          <Bubble key={message.messageId} message={message} onDetails={() => (location.hash = to("inbox", session.sessionId, message.chat.chatId))} onReply={() => (location.hash = to("inbox", session.sessionId, message.chat.chatId))} onReact={(emoji) => void post("v1/messages/reaction", { messageId: message.messageId, emoji }).catch(setProblem)} />
        ))}
      </div>
      <p class="soft">Echo is a pretend person who reads and answers with the same words. The ticks turn as the phone tells.</p>
      {may("messages:send") && (
        <div class="row">
          <Button icon="send" onPress={send}>
            Send it again
          </Button>
        </div>
      )}
      <Fold text={curl("POST", "v1/messages/text", body)} />
    </>
  );
}
