// What is said, as the other side shows it.

/** A message of WhatsApp's as text: what Chatwoot has no form for is told in words. Empty where there is nothing to tell. */
export function toChatwoot(message) {
  const words = inWords(message);
  // In a group Chatwoot shows one contact, so each message says whose it is.
  const who = message.chat.chatId.endsWith("@g.us") && message.direction === "incoming" ? message.from?.name ?? message.from?.phoneNumber : undefined;
  return who && (words || message.mediaId) ? `**${who}**: ${words}` : words;
}

function inWords({ type, text, caption, name, address, latitude, longitude, contacts, question, options, mediaStatus, mediaReason, originalType }) {
  switch (type) {
    case "text":
      return text;
    case "location":
      return ["📍", name, address, `${latitude}, ${longitude}`].filter(Boolean).join(" ");
    case "contact":
      return contacts.map((card) => `👤 ${card.name}: ${card.phoneNumbers.join(", ")}`).join("\n");
    case "poll":
      return [`📊 ${question}`, ...options.map((option) => `– ${option}`)].join("\n");
    case "undecryptable":
    case "unsupported":
      return text ?? `(only the phone shows this message: ${originalType ?? type})`;
    case "image":
    case "video":
    case "document":
    case "audio":
    case "sticker":
      return mediaStatus === "failed" ? `${caption ?? ""} (the ${type} could not be fetched: ${mediaReason})`.trim() : caption ?? "";
    default:
      return ""; // A reaction, a vote, an edit, a deletion: Chatwoot's conversation has no place for one.
  }
}

/** An agent's words as WhatsApp writes them: bold has one star. */
export const toWhatsApp = (content) => (content ?? "").replace(/\*\*(.+?)\*\*/g, "*$1*");
