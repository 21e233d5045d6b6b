// The pretend phones' control API. It is there in a sandbox only, and the page reaches it under its own origin.
import { address, Refused } from "./client";

export interface Phone {
  number: string;
  name: string;
  behaviour: string;
  awake: boolean;
  waiting: number;
  messages: number;
  devices: { device: number; platform: string; connected: boolean; pending: number }[];
}

export interface Entry {
  id: string;
  chat: string;
  sender: string;
  fromMe: boolean;
  type: string;
  text?: string;
  media?: { type: string; caption?: string; fileName?: string; size?: number } | null;
  question?: string;
  options?: string[];
  name?: string;
  firstAtMs: number;
  deliveredAtMs?: number | null;
  readAtMs?: number | null;
  reactions?: Record<string, string>;
  deleted?: boolean;
  edited?: boolean;
}

export interface Fault {
  id: string | number;
  action: string;
  to?: string;
  phone?: string;
  times?: number;
}

export async function control<T>(method: string, path: string, body?: unknown, at = "control"): Promise<T> {
  const init: RequestInit = { method, credentials: "omit" };
  if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(address(`sandbox/${at}${path}`), init).catch(() => {
    throw new Refused(0, "unreachable", "The pretend phones do not answer");
  });
  const answer = (await response.json()) as { success: boolean; data: T; error?: { code: string; message: string } };
  if (!response.ok || !answer.success) throw new Refused(response.status, answer.error?.code ?? "unknown", answer.error?.message ?? "The pretend network refused that");
  return answer.data;
}

export const scan = (qr: string, phone?: string) => control<{ phone: string }>("POST", `/scan${phone ? `?phone=${phone}` : ""}`, qr);
/** A phone that is linked to nothing yet; the first one is the owner that scans everywhere else too. */
export async function freePhone() {
  const linked = new Set((await phones()).filter((phone) => phone.devices.length > 0).map((phone) => phone.number));
  let number = 15_550_000_001;
  while (linked.has(String(number))) number += 1;
  return String(number);
}

export const phones = () => control<Phone[]>("GET", "/phones");
export const ledger = (number: string) => control<Entry[]>("GET", `/phones/${number}/messages?limit=60`);

/** The people that are always there, with what they do. Magic numbers are what the server does with whatever is sent to them. */
export const PEOPLE = [
  { number: "15550001001", name: "Echo", does: "reads and answers with the same text" },
  { number: "15550001002", name: "Silent", does: "receives, and nobody reads" },
  { number: "15550001003", name: "Reader", does: "reads after about a second" },
  { number: "15550001004", name: "Asleep", does: "is off until you wake it" },
] as const;

export const MAGIC = [
  { number: "15550009999", name: "Nobody", does: "is not on WhatsApp" },
  { number: "15550007463", name: "463", does: "is refused: the account may not write to strangers now" },
  { number: "15550007475", name: "475", does: "is refused: the account has begun too many chats" },
  { number: "15550007479", name: "479", does: "is refused: a malformed message" },
  { number: "15550007503", name: "503", does: "is refused: the server is busy" },
  { number: "15550007408", name: "408", does: "is delivered and never acknowledged" },
  { number: "15550007500", name: "500", does: "is answered with nonsense" },
  { number: "15550007504", name: "504", does: "is never answered" },
] as const;
