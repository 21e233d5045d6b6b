// Hands that bring a code about in the sandbox: requests that are written down as they go, sessions, phones, an account on a tiny plan.
import { exchange, me, type Schemas } from "../../api/client";
import { control, freePhone, scan } from "../../api/sandbox";

export interface Step {
  words: string;
  method: string;
  path: string;
  body?: unknown;
  status?: number;
  code?: string;
}

interface Request {
  body?: unknown;
  file?: Blob;
  headers?: Record<string, string>;
  query?: Record<string, string | number>;
  /** Whose key; one's own unless said otherwise, `null` is nobody's. */
  as?: string | null;
}

export interface Told {
  status: number;
  json: { success: boolean; data?: Record<string, unknown>; error?: Schemas["Error"] };
}

export interface Limits {
  messagesPerDay?: number | null;
  callsPerMinute?: number;
  sessions?: number | null;
  concurrentRequests?: number;
}

const EVERYTHING = ["sessions:read", "sessions:write", "messages:read", "messages:send", "contacts:read", "webhooks:manage", "keys:manage", "account:read"];

export class Lab {
  readonly steps: Step[] = [];
  private readonly made: { sessionId: string; as: string | null | undefined }[] = [];
  private tinyAccount: { accountId: string; key: string } | null = null;

  constructor(
    private readonly operatorKey: string,
    private readonly onStep: () => void,
  ) {}

  /** Who asks where nobody is named: oneself, or where one has no account, a key of one that is made for it. */
  private async own() {
    if (me.value?.accountId) return undefined;
    this.tinyAccount ??= await this.account(await this.plan({}));
    return this.tinyAccount.key;
  }

  async ask(words: string, method: string, path: string, request: Request = {}): Promise<Told> {
    const as = "as" in request ? request.as : await this.own();
    return this.send(words, method, path, { ...request, as });
  }

  private async send(words: string, method: string, path: string, request: Request): Promise<Told> {
    const step: Step = { words, method, path: request.query ? `${path}?${new URLSearchParams(Object.entries(request.query).map(([name, value]) => [name, String(value)]))}` : path, body: request.body };
    this.steps.push(step);
    this.onStep();
    const response = await exchange(method, path, request);
    const json = response.status === 204 ? { success: true } : ((await response.json()) as Told["json"]);
    step.status = response.status;
    step.code = json.error?.code;
    this.onStep();
    return { status: response.status, json };
  }

  /** What has to go well on the way to the code. */
  private async must<T>(told: Promise<Told>): Promise<T> {
    const { json } = await told;
    if (json.error) throw new Error(`On the way ${json.error.code} came: ${json.error.message}`);
    return json.data as T;
  }

  private asOperator = () => (me.value?.operator ? undefined : this.operatorKey || null);

  private async plan(limits: Limits) {
    const all = { messagesPerDay: null, callsPerMinute: 1000, sessions: null, concurrentRequests: 10, ...limits };
    await this.must(this.send("As the operator: a plan so small", "PUT", "v1/admin/plans/tiny", { body: all, as: this.asOperator() }));
    return "tiny";
  }

  private async account(plan: string) {
    const as = this.asOperator();
    const { accountId } = await this.must<{ accountId: string }>(this.send("An account on it", "POST", "v1/admin/accounts", { body: { name: "tiny", plan }, as }));
    const { apiKey } = await this.must<{ apiKey: string }>(this.send("And its key", "POST", `v1/admin/accounts/${accountId}/api-keys`, { body: { name: "tiny", permissions: EVERYTHING }, as }));
    return { accountId, key: apiKey };
  }

  /** The key of an account whose plan has these limits; a second call changes them. */
  async tiny(limits: Limits): Promise<string> {
    const plan = await this.plan(limits);
    this.tinyAccount ??= await this.account(plan);
    return this.tinyAccount.key;
  }

  /** A session that waits for its scan. */
  async waiting(request: Request = {}): Promise<{ sessionId: string; qr: string }> {
    const as = "as" in request ? request.as : await this.own();
    const made = await this.must<{ sessionId: string; qr: string }>(this.send("A session", "POST", "v1/sessions", { body: { name: "provoke" }, as }));
    this.made.push({ sessionId: made.sessionId, as });
    return made;
  }

  /** A session that a pretend phone has just scanned. */
  async linked(request: Request = {}): Promise<string> {
    const made = await this.waiting(request);
    const as = this.made.at(-1)!.as;
    const phone = await freePhone();
    const step: Step = { words: "A pretend phone scans its code", method: "POST", path: `control/scan?phone=${phone}` };
    this.steps.push(step);
    await scan(made.qr, phone);
    step.status = 200;
    this.onStep();
    await this.until(made.sessionId, "connected", as);
    return made.sessionId;
  }

  /** A connected session: one that is there, else a new one. */
  async session(): Promise<string> {
    const as = await this.own();
    const there = await this.must<Schemas["Session"][]>(this.send("Which session is connected?", "GET", "v1/sessions", { as }));
    return there.find((one) => one.status === "connected")?.sessionId ?? this.linked({ as });
  }

  async until(sessionId: string, status: string, as?: string | null) {
    for (let tries = 0; tries < 150; tries += 1) {
      const response = await exchange("GET", `v1/sessions/${sessionId}`, { as });
      const { data } = (await response.json()) as { data?: Schemas["Session"] };
      if (data?.status === status) return;
      await new Promise((done) => setTimeout(done, 200));
    }
    throw new Error(`The session did not become ${status}`);
  }

  async fault(rule: Record<string, unknown>): Promise<() => Promise<unknown>> {
    const step: Step = { words: "A fault of the pretend network", method: "POST", path: "control/faults", body: rule };
    this.steps.push(step);
    const made = await control<{ id: string | number }>("POST", "/faults", rule);
    step.status = 200;
    this.onStep();
    return () => control("DELETE", `/faults/${made.id}`).catch(() => undefined);
  }

  /** Takes away what was made on the way. */
  async tidy() {
    for (const { sessionId, as } of this.made.splice(0)) await exchange("DELETE", `v1/sessions/${sessionId}`, { as }).catch(() => undefined);
  }
}
