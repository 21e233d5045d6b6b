// One chat: its messages as they come, what is found in them, and where one writes.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, get, may, page, post, type Schemas } from "../../api/client";
import { listen } from "../../api/events";
import { Avatar } from "../../components/Avatar";
import { Bubble } from "../../components/Bubble";
import { Button } from "../../components/Button";
import { Code, curl, type Did } from "../../components/Code";
import { Composer } from "../../components/Composer";
import { Empty } from "../../components/Empty";
import { MessageDetails } from "../../components/MessageDetails";
import { Problem, report } from "../../components/Problem";
import { dayOf, phone } from "../../components/Time";
import { route, to } from "../../routes";
import { Find, isSet, NOTHING, queryOf, type Wanted } from "./find";
import { ABOUT, merge, nameOf, told } from "./names";

type Message = Schemas["Message"];

export function Conversation({ session, chatId, chat }: { session: Schemas["Session"]; chatId: string; chat: Schemas["Chat"] | undefined }) {
  const find = route.value.query.get("find");
  const [wanted, setWanted] = useState<Wanted>(find ? { ...NOTHING, text: find } : NOTHING);
  const [searching, setSearching] = useState(Boolean(find));
  const { messages, next, problem, older, put, refresh, list, stay, onScroll } = useMessages(session.sessionId, chatId, wanted);
  const [details, setDetails] = useState<string | null>(null);
  const [reply, setReply] = useState<Message | null>(null);
  const [did, setDid] = useState<Did[]>([]);
  const [dropped, setDropped] = useState<File[]>([]);
  const [over, setOver] = useState(false);
  useEffect(() => {
    if (find) (setSearching(true), setWanted({ ...NOTHING, text: find }));
  }, [find]);

  const shown = useMemo(() => (messages ?? []).filter((message) => !ABOUT.has(message.type)), [messages]);
  const byId = new Map((messages ?? []).map((message) => [message.messageId, message]));
  const first = messages?.find((message) => message.chat);
  const title = chat ? nameOf(chat) : first ? nameOf(first.chat) : /^\d+$/.test(chatId) ? phone(chatId) : chatId;
  const isGroup = chat?.type === "group" || chatId.endsWith("@g.us");
  const target = isGroup ? (chat?.chatId ?? chatId) : (chat?.phoneNumber ?? first?.chat.phoneNumber ?? chatId);
  const sends = may("messages:send");
  const react = async (message: Message, emoji: string) => {
    const body = { messageId: message.messageId, emoji };
    await post("v1/messages/reaction", body).then(() => setDid([{ method: "POST", path: "v1/messages/reaction", body }]), report);
  };
  const read = async () => {
    const path = `v1/chats/${encodeURIComponent(chat!.chatId)}/read`;
    const body = { sessionId: session.sessionId };
    await ask("POST", path, { body });
    setDid([{ method: "POST", path, body }]);
  };
  const leap = (messageId: string) => {
    const bubble = list.current?.querySelector<HTMLElement>(`[data-message="${CSS.escape(messageId)}"]`);
    bubble?.scrollIntoView({ block: "center" });
    bubble?.querySelector<HTMLElement>("button")?.focus();
  };
  const drops = sends && {
    onDragOver: (event: DragEvent) => (event.preventDefault(), setOver(true)),
    onDragLeave: (event: DragEvent) => (event.currentTarget as Element).contains(event.relatedTarget as Node | null) || setOver(false),
    onDrop: (event: DragEvent) => (event.preventDefault(), setOver(false), setDropped([...(event.dataTransfer?.files ?? [])])),
  };
  let day = "";
  return (
    <section class={`conversation ${over ? "over" : ""}`} aria-label={`Chat with ${title}`} {...drops}>
      <header class="conversation-head">
        <a class="button plain icon back" href={to("inbox", session.sessionId)} aria-label="Back to the chats">
          ←
        </a>
        <Avatar name={title} />
        <div class="grow">
          <h2>{title}</h2>
          <p class="faint">{isGroup ? target : phone(chat?.phoneNumber ?? target)}</p>
        </div>
        {chat && chat.unreadCount > 0 && sends && <Button icon="check" label="Mark as read" kind="plain" onPress={read} />}
        <Button icon="search" label="Search in this chat" kind="plain" pressed={searching} onPress={() => (setSearching(!searching), setWanted(NOTHING))} />
      </header>
      {searching && <Find wanted={wanted} onChange={setWanted} />}
      <div class="messages" ref={list} tabIndex={0} role="log" aria-label="Messages" onLoadCapture={stay} onScroll={onScroll}>
        {next && (
          <div class="row center">
            <Button size="small" onPress={older}>
              Older messages
            </Button>
          </div>
        )}
        <Problem of={problem} />
        {messages && shown.length === 0 && !problem && (
          <Empty icon="inbox" title={isSet(wanted) ? "Nothing fits" : "Nothing said yet"} bare>
            <p>{isSet(wanted) ? "No message of this chat is like that." : "Write the first message below."}</p>
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
                group={isGroup}
                quoted={message.replyTo?.messageId ? byId.get(message.replyTo.messageId) : undefined}
                onLeap={leap}
                onDetails={() => setDetails(message.messageId)}
                onReply={() => setReply(message)}
                onReact={(emoji) => react(message, emoji)}
              />
            </>
          );
        })}
      </div>
      {did.length > 0 && (
        <details class="fold did">
          <summary>The request behind what you sent</summary>
          <Code text={did.map((one) => curl(one.method, one.path, one.body, one.file)).join("\n\n")} label="curl" />
        </details>
      )}
      {sends ? (
        <Composer
          session={session}
          to={target}
          reply={reply}
          dropped={dropped}
          over={over}
          onReply={() => setReply(null)}
          onSent={(message, did) => (isSet(wanted) ? (setSearching(false), setWanted(NOTHING)) : put(message), setDid(did), stay(true))}
          onFailed={() => void refresh()}
        />
      ) : (
        <p class="composer soft">Your role may read, not send.</p>
      )}
      {details && <MessageDetails messageId={details} onClose={() => setDetails(null)} onChange={put} onDid={(one) => setDid([one])} />}
    </section>
  );
}

/** What is loaded of a chat: its end, kept up by the stream, or the pages of what is looked for. */
function useMessages(sessionId: string, chatId: string, wanted: Wanted) {
  const [messages, setMessages] = useState<Message[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const query = { sessionId, chatId, limit: 50, ...queryOf(wanted) };
  const searches = isSet(wanted);
  const put = (message: Message) => setMessages((before) => merge(before ?? [], [message]));
  const refresh = async (signal?: AbortSignal, anew = false) => {
    try {
      const found = await page<Message>("v1/messages", query, signal);
      setMessages((before) => merge(anew ? [] : (before ?? []), found.data));
      setNext((before) => (anew ? found.next : (before ?? found.next)));
      setProblem(null);
    } catch (refused) {
      if (signal?.aborted) return;
      setProblem(refused);
      setMessages((before) => before ?? []);
    }
  };
  useEffect(() => {
    const controller = new AbortController();
    atEnd.current = true;
    const timer = setTimeout(() => void refresh(controller.signal, true), searches ? 250 : 0);
    const stop = listen(
      (event) => {
        if (event.sessionId !== sessionId || !/^(message|poll)\./.test(event.event)) return;
        const message = event.data as unknown as Message;
        if (message.chat && message.chat.chatId !== chatId && message.chat.phoneNumber !== chatId) return;
        const id = message.target?.messageId ?? message.messageId;
        // What is found stays what was looked for; only those that are shown are kept up.
        const show = (fresh: Message) => setMessages((before) => (!searches || before?.some((one) => one.messageId === id) ? merge(before ?? [], [fresh]) : before));
        const whole = told(event);
        if (whole) show(whole);
        else if (id) void get<Message>(`v1/messages/${id}`).then(show, () => undefined);
      },
      () => void refresh(),
    );
    return () => {
      clearTimeout(timer);
      controller.abort();
      stop();
    };
  }, [JSON.stringify(queryOf(wanted))]);
  const older = async () => {
    const height = list.current!.scrollHeight;
    const found = await page<Message>("v1/messages", { ...query, cursor: next });
    atEnd.current = false;
    setMessages((before) => merge(before ?? [], found.data));
    setNext(found.next);
    requestAnimationFrame(() => (list.current!.scrollTop = list.current!.scrollHeight - height));
  };
  useEffect(() => {
    if (atEnd.current && list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [messages]);
  /** Whoever reads the end goes on reading it, also when a picture makes it longer. */
  const stay = (anyhow: unknown) => {
    if (anyhow === true) atEnd.current = true;
    if (atEnd.current) list.current?.scrollTo({ top: list.current.scrollHeight });
  };
  const onScroll = (event: { currentTarget: HTMLElement }) => {
    const at = event.currentTarget;
    atEnd.current = at.scrollHeight - at.scrollTop - at.clientHeight < 60;
  };
  return { messages, next, problem, older, put, refresh, list, stay, onScroll };
}
