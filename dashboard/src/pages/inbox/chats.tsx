// The list of chats: which session, which of them, and words that are found in names and in messages.
import { useEffect, useState } from "preact/hooks";
import { page, type Page, type Schemas } from "../../api/client";
import type { Loaded } from "../../api/load";
import { Avatar } from "../../components/Avatar";
import { Button } from "../../components/Button";
import { Bones } from "../../components/Card";
import { Empty } from "../../components/Empty";
import { typed } from "../../components/Field";
import { Problem } from "../../components/Problem";
import { phone, Time } from "../../components/Time";
import { go, to } from "../../routes";
import { State } from "../../components/SessionState";
import { ABOUT, isToday, nameOf, summary } from "./names";

type Chat = Schemas["Chat"];
type Message = Schemas["Message"];
type Session = Schemas["Session"];

const FILTERS = { all: "All", unread: "Unread", people: "People", groups: "Groups" } as const;
type Filter = keyof typeof FILTERS;

interface Props {
  session: Session;
  sessions: Session[];
  chats: Loaded<Page<Chat>>;
  chosen: string | undefined;
  onStart: (() => void) | undefined;
}

export function Chats({ session, sessions, chats, chosen, onStart }: Props) {
  const [search, setSearch] = useState("");
  const [filter, setFilter] = useState<Filter>("all");
  const [more, setMore] = useState<Page<Chat>>({ data: [], next: null });
  const first = chats.value?.data ?? [];
  const known = [...first, ...more.data.filter((one) => !first.some((other) => other.chatId === one.chatId))];
  const next = more.data.length ? more.next : (chats.value?.next ?? null);
  const words = search.trim().toLowerCase();
  const shown = known.filter(
    (chat) =>
      (filter === "all" || (filter === "unread" ? chat.unreadCount > 0 : (chat.type === "group") === (filter === "groups"))) &&
      (!words || [chat.name, chat.phoneNumber, chat.chatId].some((text) => text?.toLowerCase().includes(words))),
  );
  const found = useFound(session, search.trim());
  const older = async () => {
    const found = await page<Chat>("v1/chats", { sessionId: session.sessionId, limit: 100, cursor: next });
    setMore((before) => ({ data: [...before.data, ...found.data], next: found.next }));
  };
  return (
    <section class="chats" aria-label="Chats">
      <div class="chats-head">
        <div class="row">
          <select class="grow" aria-label="Session" value={session.sessionId} onChange={(event) => go("inbox", event.currentTarget.value)}>
            {sessions.map((one) => (
              <option value={one.sessionId}>{one.name}</option>
            ))}
          </select>
          {onStart && <Button icon="plus" label="New chat" kind="main" onPress={onStart} />}
        </div>
        <div class="row spread">
          <span class="faint">{phone(session.phoneNumber)}</span>
          <State session={session} />
        </div>
        <input type="search" placeholder="Search chats and messages" aria-label="Search chats and messages" value={search} onInput={typed(setSearch)} />
        <div class="row chips" role="group" aria-label="Filter">
          {(Object.keys(FILTERS) as Filter[]).map((word) => (
            <Button size="small" kind={filter === word ? "main" : ""} pressed={filter === word} onPress={() => setFilter(word)}>
              {FILTERS[word]}
            </Button>
          ))}
        </div>
      </div>
      <Problem of={chats.problem} />
      {chats.loading && <Bones />}
      <div class="chat-list">
        {chats.value && shown.length === 0 && !found.value?.length && (
          <Empty icon="inbox" title={known.length ? "Nothing fits" : "No chats yet"} bare>
            <p>{known.length ? "Change the search or the filter." : "They appear when a message comes in or goes out."}</p>
          </Empty>
        )}
        <ul>
          {shown.map((one) => (
            <li key={one.chatId}>
              <Line chat={one} message={one.lastMessage} href={to("inbox", session.sessionId, one.chatId)} current={one.chatId === chosen} unread={one.unreadCount} />
            </li>
          ))}
        </ul>
        {next && !words && (
          <div class="row center padded">
            <Button size="small" onPress={older}>
              More chats
            </Button>
          </div>
        )}
        {found.value && (
          <>
            <h2 class="list-head">Messages</h2>
            {found.value.length === 0 && <p class="faint padded">None has these words.</p>}
            <ul>
              {found.value.map((message) => (
                <li key={message.messageId}>
                  <Line chat={message.chat} message={message} href={`${to("inbox", session.sessionId, message.chat.chatId)}?find=${encodeURIComponent(search.trim())}`} />
                </li>
              ))}
            </ul>
          </>
        )}
        <Problem of={found.problem} />
      </div>
    </section>
  );
}

/** The newest messages with the words. A page looks only so far back: it may have none of them, and a next one. */
async function find(session: Session, words: string, signal: AbortSignal): Promise<Message[]> {
  for (let cursor: string | null = null; ; ) {
    const found: Page<Message> = await page<Message>("v1/messages", { sessionId: session.sessionId, text: words, limit: 30, cursor }, signal);
    const shown = found.data.filter((message) => !ABOUT.has(message.type));
    if (shown.length > 0 || found.next === null) return shown;
    cursor = found.next;
  }
}

/** Messages with the words, asked for when the typing rests. */
function useFound(session: Session, words: string) {
  const [found, setFound] = useState<{ value: Message[] | null; problem: unknown }>({ value: null, problem: null });
  useEffect(() => {
    setFound({ value: null, problem: null });
    if (words.length < 2) return;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      find(session, words, controller.signal).then(
        (value) => setFound({ value, problem: null }),
        (problem) => controller.signal.aborted || setFound({ value: null, problem }),
      );
    }, 250);
    return () => (clearTimeout(timer), controller.abort());
  }, [words]);
  return found;
}

function Line({ chat, message, href, current, unread = 0 }: { chat: { name?: string; phoneNumber?: string; chatId: string }; message: Message; href: string; current?: boolean; unread?: number }) {
  return (
    <a href={href} aria-current={current ? "true" : undefined}>
      <Avatar name={nameOf(chat)} />
      <span class="grow">
        <span class="chat-name">{nameOf(chat)}</span>
        <span class="chat-last">{summary(message)}</span>
      </span>
      <span class="chat-side">
        <span class="faint">
          <Time at={message.createdAt} as={isToday(message.createdAt) ? "clock" : "day"} />
        </span>
        {unread > 0 && (
          <span class="count">
            {unread}
            <span class="away"> unread</span>
          </span>
        )}
      </span>
    </a>
  );
}
