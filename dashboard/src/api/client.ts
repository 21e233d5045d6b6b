// Speaks to the API as everybody does: by the log-in's cookie, or by a key that stands in memory only.
import { signal } from "@preact/signals";
import type { components } from "./schema";

export type Schemas = components["schemas"];

const told = (name: string) => document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content;

/** Whether this is the open reference at `/docs`, which nobody has to sign in for. */
export const open = told("wharf-page") === "docs" || (import.meta.env.DEV && location.pathname === "/docs");

/** Where the API is: the folder above this page, under whatever prefix a proxy serves it. */
export const root = new URL(location.pathname.includes("/dashboard") ? "../" : "./", location.origin + location.pathname);

export const sandboxed = told("wharf-world") === "sandbox" || import.meta.env.DEV;

export type Role = "operator" | "owner" | "member" | "read_only";

/** Who sits here. `permissions` is null where nobody tells: the API then decides for itself. */
export interface Me {
  by: "login" | "key";
  name: string;
  role: Role;
  accountId: string | null;
  account: string | null;
  permissions: string[] | null;
  operator: boolean;
}

export const me = signal<Me | null>(null);
/** Whether it is known already that somebody, or nobody, is signed in. */
export const known = signal(false);

let key: string | null = null;

export const may = (permission: string) => me.value?.permissions?.includes(permission) ?? true;

/** A refusal, in the words of the catalogue. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Schemas["Details"] = {},
    readonly requestId: string | null = null,
  ) {
    super(message);
  }
}

export interface Page<T> {
  data: T[];
  next: string | null;
}

interface Options {
  body?: unknown;
  file?: Blob;
  query?: Record<string, string | number | undefined | null>;
  accept?: string;
  signal?: AbortSignal;
  once?: boolean;
  quiet?: boolean;
  headers?: Record<string, string>;
  /** Another key than one's own; `null` is none at all. */
  as?: string | null;
}

export function address(path: string, query: Options["query"] = {}) {
  const url = new URL(path.replace(/^\//, ""), root);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, String(value));
  }
  return url;
}

/** The request itself, whatever its answer is; only no answer at all is thrown. */
export async function exchange(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers = new Headers({ Accept: options.accept ?? "application/json", ...options.headers });
  const own = options.as === undefined;
  const by = own ? key : options.as;
  if (by) headers.set("Authorization", `Bearer ${by}`);
  if (own && method !== "GET") headers.set("X-Wharf-Dashboard", "1");
  if (options.once) headers.set("Idempotency-Key", crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`);
  let body: BodyInit | undefined;
  if (options.file) {
    body = options.file;
    if (!headers.has("Content-Type")) headers.set("Content-Type", "application/octet-stream");
  } else if (options.body !== undefined) {
    body = JSON.stringify(options.body);
    headers.set("Content-Type", "application/json");
  }
  try {
    return await fetch(address(path, options.query), { method, headers, body, signal: options.signal, credentials: own ? "same-origin" : "omit" });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new Refused(0, "unreachable", "The server cannot be reached from this browser");
  }
}

/** The same, where whatever is no success is thrown as what the API said. */
export async function ask(method: string, path: string, options: Options = {}): Promise<Response> {
  const response = await exchange(method, path, options);
  if (response.ok) return response;
  const refused = await read(response);
  if (response.status === 401 && me.value && !options.quiet) {
    // Whoever was signed in no longer is: a revoked key, a log-in that ended.
    key = null;
    me.value = null;
  }
  throw refused;
}

async function read(response: Response) {
  const id = response.headers.get("X-Request-Id");
  try {
    const { error } = (await response.json()) as { error: Schemas["Error"] };
    return new Refused(response.status, error.code, error.message, error.details, id);
  } catch {
    return new Refused(response.status, `http_${response.status}`, "The server, or a proxy before it, gave an answer that is not the API's", {}, id);
  }
}

const data = async <T>(response: Response) => (response.status === 204 ? undefined : ((await response.json()) as { data: T }).data) as T;

export const get = async <T>(path: string, query?: Options["query"], signal?: AbortSignal) => data<T>(await ask("GET", path, { query, signal }));
export const post = async <T>(path: string, body?: unknown, query?: Options["query"]) =>
  data<T>(await ask("POST", path, { body: body ?? {}, query, once: true }));
export const put = async <T>(path: string, body: unknown) => data<T>(await ask("PUT", path, { body }));
export const patch = async <T>(path: string, body: unknown) => data<T>(await ask("PATCH", path, { body }));
export const remove = async <T>(path: string, query?: Options["query"]) => data<T>(await ask("DELETE", path, { query }));

/** A POST without a body, for what is done to a thing. */
export const act = async <T>(path: string) => data<T>(await ask("POST", path));

export async function page<T>(path: string, query?: Options["query"], signal?: AbortSignal): Promise<Page<T>> {
  const answer = (await (await ask("GET", path, { query, signal })).json()) as { data: T[]; page: { next: string | null } };
  return { data: answer.data, next: answer.page?.next ?? null };
}

interface Login {
  loginId: string;
  user: { userId: string; name: string; role: Role; accountId?: string | null };
  permissions: string[];
  expiresAt: string;
}

async function account(): Promise<Schemas["Account"] | null> {
  try {
    return await get<Schemas["Account"]>("v1/account");
  } catch {
    return null;
  }
}

async function seat(login: Login) {
  const operator = login.user.role === "operator";
  // Known before the account is asked for, so that a refusal ends the log-in as any other would.
  const mine: Me = { by: "login", name: login.user.name, role: login.user.role, accountId: login.user.accountId ?? null, account: null, permissions: login.permissions, operator };
  me.value = { ...mine, account: (await account())?.name ?? null };
}

/** Takes up the log-in that the browser has, or the one that a link brings. */
export async function resume(token: string | null) {
  try {
    if (token) await seat(await data<Login>(await ask("POST", "v1/login", { body: { token }, quiet: true })));
    else await seat(await get<Login>("v1/login"));
  } finally {
    known.value = true;
  }
}

export async function signIn(name: string, password: string) {
  await seat(await data<Login>(await ask("POST", "v1/login", { body: { name, password } })));
}

/** A key says by what it may do who it is: nothing else tells a browser. */
export async function signInWith(value: string) {
  key = value.trim();
  try {
    let mine: Schemas["Account"] | null = null;
    try {
      mine = await get<Schemas["Account"]>("v1/account");
    } catch (refused) {
      if (!(refused instanceof Refused) || refused.code !== "insufficient_permissions") throw refused;
    }
    const operator = await ask("GET", "v1/admin/plans").then(() => true, () => false);
    me.value = { by: "key", name: operator ? "Operator's key" : "API key", role: operator ? "operator" : "owner", accountId: mine?.accountId ?? null, account: mine?.name ?? null, permissions: null, operator };
  } catch (refused) {
    key = null;
    throw refused;
  }
}

export async function signOut() {
  const by = me.value?.by;
  if (by === "login") await ask("DELETE", "v1/login", { quiet: true }).catch(() => undefined);
  key = null;
  me.value = null;
}
