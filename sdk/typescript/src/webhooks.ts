/** Deliveries of webhooks, by the scheme of Standard Webhooks. An entry of its own: a receiver needs nothing of the client. */
import type { WharfEvent } from "./events.js";
import type { EventKind } from "./generated/types.js";

export type { WharfEvent } from "./events.js";
export type * from "./generated/types.js";

/** Why a delivery is not to be believed. */
export type VerificationFault = "header_missing" | "time_unreadable" | "too_old" | "too_new" | "secret_unreadable" | "signature_wrong" | "not_json";

/** What came is not signed by Wharf with this secret, or not now: answer 400, and do nothing else. */
export class WebhookVerificationError extends Error {
  override readonly name = "WebhookVerificationError";

  constructor(readonly fault: VerificationFault) {
    super(`the delivery is not to be believed: ${fault}`);
  }
}

/** Headers as `fetch`, Node.js or a plain table have them. */
export type HeadersLike = { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyOptions {
  /** Seconds that the time of a delivery may be off; 300 where it is left out. */
  toleranceSeconds?: number;
  /** The time, in milliseconds since 1970, for tests. */
  now?: () => number;
}

/**
 * Verifies a delivery and gives its event. `body` is what came, byte by byte: parsed and written again it is something else. While a secret
 * is replaced, give both.
 *
 * @throws WebhookVerificationError
 */
export async function verify<K extends EventKind = EventKind>(
  body: string | Uint8Array | ArrayBuffer,
  headers: HeadersLike,
  secret: string | readonly string[],
  options: VerifyOptions = {},
): Promise<WharfEvent<K>> {
  const [id, time, signatures] = ["id", "timestamp", "signature"].map((name) => valueOf(headers, `webhook-${name}`));
  if (!id || !time || !signatures) throw new WebhookVerificationError("header_missing");
  const { toleranceSeconds = 300, now = Date.now } = options;
  if (!/^\d{1,12}$/.test(time)) throw new WebhookVerificationError("time_unreadable");
  const off = now() / 1000 - Number(time);
  if (off > toleranceSeconds) throw new WebhookVerificationError("too_old");
  if (-off > toleranceSeconds) throw new WebhookVerificationError("too_new");

  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : new Uint8Array(body);
  const head = new TextEncoder().encode(`${id}.${time}.`);
  const signed = new Uint8Array(head.length + bytes.length);
  signed.set(head);
  signed.set(bytes, head.length);
  for (const one of typeof secret === "string" ? [secret] : secret) {
    const key = await crypto.subtle.importKey("raw", secretBytes(one), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    for (const signature of signatures.split(" ")) {
      const given = signature.startsWith("v1,") ? bytesOf(signature.slice(3)) : undefined;
      // The platform compares in constant time.
      if (given && (await crypto.subtle.verify("HMAC", key, given, signed))) return parsed(bytes);
    }
  }
  throw new WebhookVerificationError("signature_wrong");
}

function parsed<K extends EventKind>(bytes: Uint8Array): WharfEvent<K> {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as WharfEvent<K>;
  } catch {
    throw new WebhookVerificationError("not_json");
  }
}

function valueOf(headers: HeadersLike, name: string): string | undefined {
  if (typeof headers.get === "function") return (headers as { get(name: string): string | null }).get(name) ?? undefined;
  const table = headers as Readonly<Record<string, string | readonly string[] | undefined>>;
  const value = table[name] ?? Object.entries(table).find(([other]) => other.toLowerCase() === name)?.[1];
  return typeof value === "string" ? value : value?.[0];
}

function secretBytes(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(secret.replace(/^whsec_/, ""));
  if (!bytes || bytes.length === 0) throw new WebhookVerificationError("secret_unreadable");
  return bytes;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}
