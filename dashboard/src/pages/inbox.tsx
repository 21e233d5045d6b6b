// Chats and messages of a session as people know them, live.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, may, page, post, get, type Schemas } from "../api/client";
import { listen } from "../api/events";
import { useLoad } from "../api/load";
import { Avatar } from "../components/Avatar";
import { Bubble } from "../components/Bubble";
import { Button } from "../components/Button";
import { Bones } from "../components/Card";
import { Composer, type Done } from "../components/Composer";
import { Code, curl } from "../components/Code";
import { Dialog } from "../components/Dialog";
import { Empty } from "../components/Empty";
import { Field, typed } from "../components/Field";
import { MessageDetails } from "../components/MessageDetails";
import { Problem, report } from "../components/Problem";
import { dayOf, phone, Time } from "../components/Time";
import { go, route, to } from "../routes";
import { State } from "./sessions";

type Message = Schemas["Message"];
type Chat = Schemas["Chat"];
type Session = Schemas["Session"];

/** Words about another message rather than messages; what they did shows at the one that they are about. */
const ABOUT = new Set(["reaction", "poll_vote", "edit", "deletion"]);

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
  return <Chats key={session.sessionId} session={session} sessions={all} chatId={chatId} />;
}

function Chats({ session, sessions, chatId }: { session: Session; sessions: Session[]; chatId: string | undefined }) {
  const [search, setSearch] = useState("");
  const [filter, setFilter] = useState<"all" | "unread" | "groups">("all");
  const [starting, setStarting] = useState(false);
  const chats = useLoad(
    (signal) => page<Chat>("v1/chats", { sessionId: session.sessionId, limit: 100 }, signal),
    [session.sessionId],
    (event) => event.sessionId === session.sessionId && /^(message|poll)\./.test(event.event),
  );
  const known = chats.value?.data ?? [];
  const words = search.trim().toLowerCase();
  const shown = known.filter(
    (chat) =>
      (filter === "all" || (filter === "unread" ? chat.unreadCount > 0 : chat.type === "group")) &&
      (!words || [chat.name, chat.phoneNumber, chat.chatId, chat.lastMessage.text].some((text) => text?.toLowerCase().includes(words))),
  );
  const chat = known.find((chat) => chat.chatId === chatId || chat.phoneNumber === chatId);
  return (
    <div class={`inbox ${chatId ? "in-chat" : ""}`}>
      <h1 class="away">Inbox</h1>
      <section class="chats" aria-label="Chats">
        <div class="chats-head">
          <div class="row">
            <select class="grow" aria-label="Session" value={session.sessionId} onChange={(event) => go("inbox", event.currentTarget.value)}>
              {sessions.map((one) => (
                <option value={one.sessionId}>{one.name}</option>
              ))}
            </select>
            {may("messages:send") && <Button icon="plus" label="New chat" kind="main" onPress={() => setStarting(true)} />}
          </div>
          <div class="row spread">
            <span class="faint">{phone(session.phoneNumber)}</span>
            <State session={session} />
          </div>
          <input type="search" placeholder="Search chats" aria-label="Search chats" value={search} onInput={typed(setSearch)} />
          <div class="row" role="group" aria-label="Filter">
            {(["all", "unread", "groups"] as const).map((word) => (
              <Button size="small" kind={filter === word ? "main" : ""} pressed={filter === word} onPress={() => setFilter(word)}>
                {word === "all" ? "All" : word === "unread" ? "Unread" : "Groups"}
              </Button>
            ))}
          </div>
        </div>
        <Problem of={chats.problem} />
        {chats.loading && <Bones />}
        {chats.value && shown.length === 0 && (
          <Empty icon="inbox" title={known.length ? "Nothing fits" : "No chats yet"} bare>
            <p>{known.length ? "Change the search or the filter." : "They appear when a message comes in or goes out."}</p>
          </Empty>
        )}
        <ul class="chat-list">
          {shown.map((one) => (
            <li key={one.chatId}>
              <a href={to("inbox", session.sessionId, one.chatId)} aria-current={one.chatId === chat?.chatId ? "true" : undefined}>
                <Avatar name={nameOf(one)} />
                <span class="grow">
                  <span class="chat-name">{nameOf(one)}</span>
                  <span class="chat-last">{summary(one.lastMessage)}</span>
                </span>
                <span class="chat-side">
                  <span class="faint">
                    <Time at={one.lastMessage.createdAt} as={isToday(one.lastMessage.createdAt) ? "clock" : "day"} />
                  </span>
                  {one.unreadCount > 0 && (
                    <span class="count">
                      {one.unreadCount}
                      <span class="away"> unread</span>
                    </span>
                  )}
                </span>
              </a>
            </li>
          ))}
        </ul>
      </section>
      {chatId ? (
        <Conversation key={chatId} session={session} chatId={chatId} chat={chat} />
      ) : (
        <div class="conversation none">
          <Empty icon="inbox" title="Choose a chat" bare>
            <p>Or begin a new one with somebody's number.</p>
            {may("messages:send") && (
              <Button icon="plus" onPress={() => setStarting(true)}>
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

function Conversation({ session, chatId, chat }: { session: Session; chatId: string; chat: Chat | undefined }) {
  const [messages, setMessages] = useState<Message[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [search, setSearch] = useState("");
  const [searching, setSearching] = useState(false);
  const [details, setDetails] = useState<string | null>(null);
  const [reply, setReply] = useState<Message | null>(null);
  const [done, setDone] = useState<Done | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const path = "v1/messages";
  const query = { sessionId: session.sessionId, chatId, limit: 50 };

  const put = (message: Message) => setMessages((before) => merge(before ?? [], [message]));
  const refresh = async (signal?: AbortSignal) => {
    try {
      const found = await page<Message>(path, query, signal);
      setMessages((before) => merge(before ?? [], found.data));
      setNext((before) => before ?? found.next);
      setProblem(null);
    } catch (refused) {
      if (!signal?.aborted) {
        setProblem(refused);
        setMessages((before) => before ?? []);
      }
    }
  };
  useEffect(() => {
    const controller = new AbortController();
    void refresh(controller.signal);
    const stop = listen(
      (event) => {
        if (event.sessionId !== session.sessionId || !/^(message|poll)\./.test(event.event)) return;
        const message = event.data as unknown as Message;
        if (message.chat && message.chat.chatId !== chatId && message.chat.phoneNumber !== chatId) return;
        const target = message.target?.messageId;
        const id = target ?? message.messageId;
        if (!ABOUT.has(message.type) && event.event === "message.received") put(message);
        else if (id) void get<Message>(`v1/messages/${id}`).then(put, () => undefined);
      },
      () => void refresh(),
    );
    return () => {
      controller.abort();
      stop();
    };
  }, []);

  const older = async () => {
    const height = list.current!.scrollHeight;
    const found = await page<Message>(path, { ...query, cursor: next });
    atEnd.current = false;
    setMessages((before) => merge(before ?? [], found.data));
    setNext(found.next);
    requestAnimationFrame(() => (list.current!.scrollTop = list.current!.scrollHeight - height));
  };
  useEffect(() => {
    if (atEnd.current && list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [messages]);

  const words = search.trim().toLowerCase();
  const shown = useMemo(
    () => (messages ?? []).filter((message) => !ABOUT.has(message.type) && (!words || [message.text, message.caption, message.fileName, message.question].some((text) => text?.toLowerCase().includes(words)))),
    [messages, words],
  );
  const byId = new Map((messages ?? []).map((message) => [message.messageId, message]));
  const first = messages?.find((message) => message.chat);
  const title = chat ? nameOf(chat) : first ? nameOf(first.chat) : /^\d+$/.test(chatId) ? phone(chatId) : chatId;
  const target = chat?.type === "group" ? chat.chatId : (chat?.phoneNumber ?? first?.chat.phoneNumber ?? chatId);
  let day = "";
  return (
    <section class="conversation" aria-label={`Chat with ${title}`}>
      <header class="conversation-head">
        <a class="button plain icon back" href={to("inbox", session.sessionId)} aria-label="Back to the chats">
          ←
        </a>
        <Avatar name={title} />
        <div class="grow">
          <h2>{title}</h2>
          <p class="faint">{chat?.type === "group" ? chat.chatId : phone(chat?.phoneNumber ?? target)}</p>
        </div>
        {chat && chat.unreadCount > 0 && may("messages:send") && (
          <Button icon="check" label="Mark as read" kind="plain" onPress={() => ask("POST", `v1/chats/${encodeURIComponent(chat.chatId)}/read`, { body: { sessionId: session.sessionId } })} />
        )}
        <Button icon="search" label="Search in this chat" kind="plain" pressed={searching} onPress={() => (setSearching(!searching), setSearch(""))} />
      </header>
      {searching && <input class="find" type="search" aria-label="Search in this chat" placeholder="Search in what is loaded" value={search} onInput={typed(setSearch)} />}
      <div
        class="messages"
        ref={list}
        tabIndex={0}
        role="log"
        aria-label="Messages"
        onLoadCapture={() => atEnd.current && list.current?.scrollTo({ top: list.current.scrollHeight })}
        onScroll={(event) => {
          const at = event.currentTarget;
          atEnd.current = at.scrollHeight - at.scrollTop - at.clientHeight < 60;
        }}
      >
        {next && (
          <div class="row center">
            <Button size="small" onPress={older}>
              Older messages
            </Button>
          </div>
        )}
        <Problem of={problem} />
        {messages && shown.length === 0 && !problem && (
          <Empty icon="inbox" title={words ? "Nothing fits" : "Nothing said yet"} bare>
            <p>{words ? "Only what is loaded is searched." : "Write the first message below."}</p>
          </Empty>
        )}
        {shown.map((message) => {
          const own = dayOf(message.createdAt);
          const head = own !== day;
          day = own;
          return (
            <>
              {head && <p class="day">{own}</p>}
              <Bubble
                key={message.messageId}
                message={message}
                group={chat?.type === "group"}
                quoted={message.replyTo?.messageId ? byId.get(message.replyTo.messageId) : undefined}
                onDetails={() => setDetails(message.messageId)}
                onReply={() => setReply(message)}
                onReact={(emoji) => post("v1/messages/reaction", { messageId: message.messageId, emoji }).catch(report)}
              />
            </>
          );
        })}
      </div>
      {done && (
        <details class="fold did">
          <summary>The request behind what you sent</summary>
          <Code text={done.requests.map((one) => curl(one.method, one.path, one.body)).join("\n\n")} label="curl" />
        </details>
      )}
      {may("messages:send") ? (
        <Composer session={session} to={target} reply={reply} onReply={() => setReply(null)} onSent={(message, done) => (put(message), setDone(done), (atEnd.current = true))} onFailed={() => void refresh()} />
      ) : (
        <p class="composer soft">Your role may read, not send.</p>
      )}
      {details && <MessageDetails messageId={details} onClose={() => setDetails(null)} onChange={put} />}
    </section>
  );
}

/** Oldest first, each once, the newer word about one wins. */
function merge(before: Message[], more: Message[]) {
  const byId = new Map(before.map((message) => [message.messageId, message]));
  for (const message of more) byId.set(message.messageId, { ...byId.get(message.messageId), ...message });
  return [...byId.values()].sort((one, other) => one.createdAt.localeCompare(other.createdAt) || one.messageId.localeCompare(other.messageId));
}

const nameOf = (chat: { name?: string; phoneNumber?: string; chatId: string }) => chat.name ?? (chat.phoneNumber ? phone(chat.phoneNumber) : chat.chatId);
const isToday = (at: string) => new Date(at).toDateString() === new Date().toDateString();

function summary(message: Message) {
  const who = message.direction === "outgoing" ? "You: " : "";
  if (message.deletedAt || message.type === "deleted") return `${who}deleted`;
  return who + (message.text ?? message.caption ?? message.question ?? message.fileName ?? message.emoji ?? message.type.replace("_", " "));
}
