// A sandbox for a file of tests, with a connected session and what the lines of docs/reference/provoke.md have.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { Wharf } from "wharf-client";

/** Starts a program whose first line is JSON; `ready` is that line. */
export async function program(name, args) {
  const path = process.env[name];
  if (!path) throw new Error(`${name} names no program: run scripts/sdk-typescript-test`);
  const child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  const ended = new Promise((done) => child.on("exit", done));
  const ready = await new Promise((done, failed) => {
    createInterface({ input: child.stdout }).on("line", (line) => done(JSON.parse(line)));
    ended.then((code) => failed(new Error(`${path} ended with ${code}: ${log}`)));
  });
  const stop = async (signal = "SIGTERM") => {
    child.kill(signal);
    await ended;
  };
  return { ready, stop };
}

export const folder = () => mkdtempSync(join(tmpdir(), "wharf-sdk-"));
export const remove = (path) => rmSync(path, { recursive: true, force: true });

/** A sandbox that ends with the file's tests. */
export async function sandbox() {
  const data = folder();
  const running = await program("WHARF_SANDBOX_BIN", ["--json", "--quiet", "--port", "0", "--data-dir", data]);
  after(async () => {
    await running.stop();
    remove(data);
  });
  return hands(running.ready);
}

/** What a test does with a running sandbox. */
export function hands({ url, controlUrl, clockUrl, apiKey, operatorKey }) {
  const client = (options = {}) => new Wharf({ baseUrl: url, apiKey, firstPauseMs: 50, ...options });
  const operator = new Wharf({ baseUrl: url, apiKey: operatorKey });
  const control = async (method, path, body) => {
    const init = { method };
    if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(controlUrl + path, init);
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.data;
  };
  const pair = async (wharf, phone) => {
    const { sessionId, qr } = await wharf.sessions.create({ name: `phone ${phone}` });
    await control("POST", `/control/scan?phone=${phone}`, qr);
    await until(async () => (await wharf.sessions.get(sessionId)).status === "connected");
    return sessionId;
  };
  /** Puts the gateway's clock forward. */
  const advance = async (seconds) => {
    const response = await fetch(clockUrl, { method: "POST", body: JSON.stringify({ advanceSeconds: seconds }) });
    if (!response.ok) throw new Error(await response.text());
  };
  const shown = (number) => control("GET", `/control/phones/${number}/messages`);
  return { url, controlUrl, apiKey, client, operator, control, pair, advance, shown };
}

/** Looks until it is so; the limit of the test ends a wait for what never comes. */
export async function until(seen) {
  for (;;) {
    const value = await seen();
    if (value) return value;
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** What a call is refused with. */
export async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}
