// The API's words for people: what a state is, what helps.
import type { Schemas } from "./api/client";
import type { Tone } from "./components/Badge";

type Session = Schemas["Session"];

export const SESSION: Record<Session["status"], { word: string; tone: Tone; moving?: boolean }> = {
  starting: { word: "starting", tone: "wait", moving: true },
  qr: { word: "waits for its scan", tone: "wait", moving: true },
  connecting: { word: "connecting", tone: "wait", moving: true },
  connected: { word: "connected", tone: "good" },
  reconnecting: { word: "reconnecting", tone: "wait", moving: true },
  qr_expired: { word: "nobody scanned", tone: "bad" },
  disconnected: { word: "disconnected", tone: "bad" },
  stopped: { word: "stopped", tone: "" },
};

const REASONS: Record<NonNullable<Session["reason"]>, string> = {
  logged_out: "The phone has unlinked this device, or its keys are gone. It has to be linked again: restart it and scan.",
  replaced: "Another program has taken this link over. Restart it to take it back.",
  banned: "WhatsApp has locked this account, or bars it for a time.",
  conflict: "Another program uses the same link at the same time. End that one, then restart.",
  refused: "WhatsApp turns this session away. It is tried again every five minutes.",
};

export const WAITS: Record<NonNullable<Session["waitingFor"]>, string> = {
  client_update: "WhatsApp no longer takes this version of the client. The operator has to update Wharf; nobody has to scan again.",
  passkey: "WhatsApp asks the owner to confirm the link with a passkey.",
  pause: "The operator has paused connecting.",
  overload: "WhatsApp turns everybody away for the moment. It is tried again by itself.",
};

/** What is wrong with a session, in words, and the one button that helps. */
export function trouble(session: Session): { title: string; words: string; helps: "restart" | "link" | "operator" | "passkey" | null } | null {
  if (session.waitingFor) return { title: "It waits", words: WAITS[session.waitingFor], helps: session.waitingFor === "passkey" ? "passkey" : session.waitingFor === "overload" ? null : "operator" };
  if (session.status === "qr_expired") return { title: "Nobody scanned the code", words: "The codes of this session have run out.", helps: "link" };
  if (session.status === "stopped") return { title: "It was stopped", words: "It keeps its link. A restart connects it again.", helps: "restart" };
  if (session.status === "disconnected") {
    const words = session.reason ? REASONS[session.reason] : "It was linked and no longer is.";
    return { title: "Disconnected from WhatsApp", words, helps: session.reason === "logged_out" ? "link" : "restart" };
  }
  if (session.refusal && session.status !== "connected") {
    return { title: `WhatsApp refused it (${session.refusal.code})`, words: session.refusal.text ?? "No reason was given.", helps: session.status === "qr" ? null : "restart" };
  }
  if (session.degraded === "phone_away") return { title: "The phone is away", words: "Nothing was heard of the account's phone for ten days. Open WhatsApp on it: a phone that stays away for fourteen days is unlinked.", helps: null };
  if (session.degraded === "app_state") return { title: "Names and settings may be missing", words: "WhatsApp did not give the account's settings after the link. Messages go both ways; a later login gets them.", helps: null };
  return null;
}

export const HELD: Record<Schemas["HoldReason"], string> = {
  reachout_timelock: "WhatsApp lets this account write to nobody new for a while",
  new_chat_limit: "WhatsApp's limit of new chats is reached",
  overload: "WhatsApp turns everybody away for the moment",
  pause: "the operator has paused sending",
  client_update: "the gateway has to be updated first",
  pace: "the plan's pace",
};

/** What keys may be given here; who looks after people does so by a log-in. */
export const PERMISSIONS: Record<string, string> = {
  "sessions:read": "see sessions",
  "sessions:write": "make, restart, unlink and delete sessions",
  "messages:read": "read messages, chats and files",
  "messages:send": "send messages, react, edit, delete",
  "contacts:read": "see and check contacts",
  "contacts:write": "block and unblock contacts",
  "groups:read": "see groups and members",
  "groups:write": "make and change groups, invite links",
  "webhooks:manage": "register webhooks, see deliveries",
  "keys:manage": "make and revoke keys",
  "events:read": "follow the event log",
  "account:read": "see plan, use and audit log",
};

const KINDS: Partial<Record<Schemas["Message"]["type"], string>> = { image: "Picture", video: "Video", audio: "Audio", document: "Document", sticker: "Sticker", location: "Place", contact: "Contact card", poll: "Poll" };

/** A message in a few words, where the message itself has no room. */
export const short = (message: Schemas["Message"]) =>
  message.text ?? message.caption ?? message.question ?? message.fileName ?? (message.voice ? "Voice note" : (message.name ?? message.contacts?.map((one) => one.name).join(", ") ?? KINDS[message.type] ?? message.type.replaceAll("_", " ")));
