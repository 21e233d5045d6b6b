// One message as people know it: bubble, ticks, reactions, what it answers.
import { useState } from "preact/hooks";
import { may, type Schemas } from "../api/client";
import { catalogue, loadCatalogue } from "../api/errors";
import { HELD, short } from "../words";
import { Button } from "./Button";
import { File } from "./File";
import { Linked } from "./Linked";
import { Poll } from "./Poll";
import { phone, Time } from "./Time";

type Message = Schemas["Message"];

const EMOJI = ["👍", "❤️", "😂", "😮", "🙏"];

interface Props {
  message: Message;
  group?: boolean;
  quoted?: Message;
  /** Goes to the message that this one answers, where it is on the page. */
  onLeap?: (messageId: string) => void;
  onDetails: () => void;
  onReply: () => void;
  onReact: (emoji: string) => void;
}

export function Bubble({ message, group, quoted, onLeap, onDetails, onReply, onReact }: Props) {
  const [reacting, setReacting] = useState(false);
  const out = message.direction === "outgoing";
  const gone = Boolean(message.deletedAt) || message.type === "deleted";
  return (
    <article class={`bubble ${out ? "out" : "in"} ${message.type === "sticker" ? "sticker" : ""} ${message.status === "failed" ? "failed" : ""}`} data-message={message.messageId} data-status={message.status}>
      {group && !out && message.from && <p class="bubble-from">{message.from.name ?? phone(message.from.phoneNumber ?? message.from.contactId)}</p>}
      {message.forwarded && <p class="faint">forwarded</p>}
      {message.replyTo && <Quote of={message.replyTo} quoted={quoted} onLeap={onLeap} />}
      {gone ? <p class="faint">This message was deleted.</p> : <Body message={message} />}
      {message.status === "failed" && message.error && <Failed error={message.error} />}
      {message.status === "queued" && message.heldReason && (
        <p class="held">
          Waits: {HELD[message.heldReason]}
          {message.heldUntil && (
            <>
              , until <Time at={message.heldUntil} as="clock" />
            </>
          )}
          .
        </p>
      )}
      <footer>
        {message.fromOtherDevice && <span>by another device</span>}
        {message.editedAt && !gone && <span>edited</span>}
        <Time at={message.createdAt} as="clock" />
        {out && <Ticks status={message.status} />}
      </footer>
      {message.reactions && message.reactions.length > 0 && (
        <p class="reactions">
          {message.reactions.map((reaction) => (
            <span title={reaction.fromId ? phone(reaction.fromId.split("@")[0]) : "this session"}>{reaction.emoji}</span>
          ))}
        </p>
      )}
      <div class="bubble-tools">
        {may("messages:send") && !gone && (
          <>
            <Button size="small" kind="plain" icon="smile" label="React" expanded={reacting} onPress={() => setReacting(!reacting)} />
            <Button size="small" kind="plain" icon="reply" label="Reply" onPress={onReply} />
          </>
        )}
        <Button size="small" kind="plain" icon="info" label="Details of this message" onPress={onDetails} />
      </div>
      {reacting && (
        <div class="emoji" role="group" aria-label="Reactions">
          {EMOJI.map((emoji) => (
            <button class="button plain icon" onClick={() => (setReacting(false), onReact(emoji))}>
              {emoji}
            </button>
          ))}
          <Button icon="close" kind="plain" label="Take the reaction back" onPress={() => (setReacting(false), onReact(""))} />
        </div>
      )}
    </article>
  );
}

function Failed({ error }: { error: Schemas["MessageError"] }) {
  void loadCatalogue();
  const entry = catalogue.value.get(error.code);
  return (
    <div class="bubble-error" role="note">
      <strong>Not sent: {error.reason ?? entry?.description ?? error.code}</strong>
      {entry && <p>What helps: {entry.fix}.</p>}
      <code>{error.code}</code>
    </div>
  );
}

function Quote({ of, quoted, onLeap }: { of: Schemas["Reference"]; quoted: Message | undefined; onLeap: Props["onLeap"] }) {
  const words = quoted ? (quoted.deletedAt ? "a message that was deleted" : short(quoted)) : (of.quoted?.text ?? (of.quoted ? `a message (${of.quoted.type})` : "an earlier message"));
  return (
    <blockquote>
      {quoted && onLeap ? (
        <button class="leap" onClick={() => onLeap(quoted.messageId)}>
          {words}
        </button>
      ) : (
        words
      )}
    </blockquote>
  );
}

function Body({ message }: { message: Message }) {
  switch (message.type) {
    case "text":
      return (
        <>
          {message.linkPreview && (
            <p class="preview">
              <strong>{message.linkPreview.title}</strong>
              {message.linkPreview.description && <span>{message.linkPreview.description}</span>}
              <span class="faint">{hostOf(message.linkPreview.url)}</span>
            </p>
          )}
          <p class="words">
            <Linked text={message.text ?? ""} />
          </p>
        </>
      );
    case "image":
    case "video":
    case "audio":
    case "document":
    case "sticker":
      return (
        <>
          <File message={message} />
          {message.caption && (
            <p class="words">
              <Linked text={message.caption} />
            </p>
          )}
        </>
      );
    case "location":
      return (
        <p>
          📍 {message.name ?? "A place"}
          {message.address && <span class="soft"> {message.address}</span>}
          <br />
          <span class="faint">
            {message.latitude}, {message.longitude}
          </span>
        </p>
      );
    case "contact":
      return (
        <>
          {message.contacts?.map((contact) => (
            <p>
              👤 {contact.name}
              <br />
              <span class="faint">{contact.phoneNumbers.map(phone).join(", ")}</span>
            </p>
          ))}
        </>
      );
    case "poll":
      return <Poll message={message} />;
    case "undecryptable":
      return <p class="faint">This message could not be read. The sender's phone was asked for it again.</p>;
    default:
      return <p class="faint">{message.originalType ?? message.type} (cannot be shown here)</p>;
  }
}

function hostOf(url: string) {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

const TICKS: Partial<Record<Message["status"], [string, string]>> = {
  queued: ["M12 6v6l3 2M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z", "waits"],
  sent: ["M7 12.500l4 4L19 8", "sent"],
  delivered: ["M2 12.500l4 4L14 8M11 15.500l1.200 1L20 8", "delivered"],
  read: ["M2 12.500l4 4L14 8M11 15.500l1.200 1L20 8", "read"],
  played: ["M2 12.500l4 4L14 8M11 15.500l1.200 1L20 8", "played"],
  failed: ["M12 7v6M12 16.500h.01M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z", "failed"],
};

export function Ticks({ status }: { status: Message["status"] }) {
  const tick = TICKS[status];
  if (!tick) return null;
  return (
    <svg class={`tick ${status}`} viewBox="0 0 22 24" role="img" aria-label={tick[1]} fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">
      <path d={tick[0]} />
    </svg>
  );
}
