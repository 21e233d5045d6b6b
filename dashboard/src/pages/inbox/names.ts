// What a chat and its last message are called in a list.
import type { Schemas } from "../../api/client";
import { phone } from "../../components/Time";
import { short } from "../../words";

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

/** Oldest first, each once, the newer word about one wins. */
export function merge(before: Message[], more: Message[]) {
  const byId = new Map(before.map((message) => [message.messageId, message]));
  for (const message of more) byId.set(message.messageId, { ...byId.get(message.messageId), ...message });
  return [...byId.values()].sort((one, other) => one.createdAt.localeCompare(other.createdAt) || one.messageId.localeCompare(other.messageId));
}
