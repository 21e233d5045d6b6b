// What a chat and its last message are called in a list.
import type { Page, Schemas } from "../../api/client";
import type { Event } from "../../api/events";
import { phone } from "../../components/Time";
import { short } from "../../words";

type Chat = Schemas["Chat"];
type Message = Schemas["Message"];

export const nameOf = (chat: { name?: string; phoneNumber?: string; chatId: string }) => chat.name ?? (chat.phoneNumber ? phone(chat.phoneNumber) : chat.chatId);
export const isToday = (at: string) => new Date(at).toDateString() === new Date().toDateString();

export function summary(message: Message) {
  const who = message.direction === "outgoing" ? "You: " : "";
  if (message.deletedAt || message.type === "deleted") return `${who}deleted`;
  return who + (message.emoji ?? short(message));
}

/** Words about another message rather than messages; what they did shows at the one that they are about. */
export const ABOUT: ReadonlySet<string> = new Set(["reaction", "poll_vote", "edit", "deletion"]);

const STEPS = ["queued", "sent", "delivered", "read", "played"];

/** The newer word about a message; what it had reached it does not lose to an answer that was longer on its way. */
function newer(before: Message | undefined, message: Message) {
  const goesBack = before && STEPS.indexOf(message.status) < STEPS.indexOf(before.status) && STEPS.includes(message.status);
  return { ...before, ...message, ...(goesBack && { status: before.status }) };
}

/** Oldest first, each once. */
export function merge(before: Message[], more: Message[]) {
  const byId = new Map(before.map((message) => [message.messageId, message]));
  for (const message of more) byId.set(message.messageId, newer(byId.get(message.messageId), message));
  return [...byId.values()].sort((one, other) => one.createdAt.localeCompare(other.createdAt) || one.messageId.localeCompare(other.messageId));
}

/** The message that an event tells of, where it tells all that is shown of it: not what changes another one. */
export function told(event: Event) {
  const message = event.data as unknown as Message;
  const isWhole = /^message\.(received|status|sent|delivered|read|failed)$/.test(event.event) && message.chat && !message.target && !ABOUT.has(message.type);
  return isWhole ? message : null;
}

/** The chats after an event, or nothing where only the server knows. */
export function after(chats: Page<Chat>, event: Event): Page<Chat> | null {
  const message = told(event);
  const chat = message && chats.data.find((one) => one.chatId === message.chat.chatId);
  if (!message || !chat) return null;
  const comes = event.event === "message.received" && message.direction === "incoming";
  // What came in and changes was read, here or elsewhere: how much is unread now the server counts.
  if (message.direction === "incoming" && !comes) return null;
  const isLast = message.messageId === chat.lastMessage.messageId;
  if (!isLast && message.createdAt < chat.lastMessage.createdAt) return chats;
  const now = { ...chat, lastMessage: newer(isLast ? chat.lastMessage : undefined, message), unreadCount: chat.unreadCount + (comes && !isLast ? 1 : 0) };
  const others = (one: Chat) => one !== chat;
  return { ...chats, data: isLast ? chats.data.map((one) => (others(one) ? one : now)) : [now, ...chats.data.filter(others)] };
}
