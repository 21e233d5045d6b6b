// The nodes in n8n's own engine (n8n-core), against a sandbox: what is faked is where n8n keeps credentials and workflows.
import "reflect-metadata";
import { spawn } from "node:child_process";
import { createServer, request as ask } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";

const require = createRequire(import.meta.url);
// n8n keeps its instance's id in a folder.
const home = mkdtempSync(join(tmpdir(), "wharf-n8n-home-"));
process.env.N8N_USER_FOLDER = home;
after(() => rmSync(home, { recursive: true, force: true }));
const { ExecutionLifecycleHooks, HookContext, LoadOptionsContext, WebhookContext, WorkflowExecute } = require("n8n-core");
const { ICredentialsHelper, Workflow } = require("n8n-workflow");
const { Wharf } = require("../dist/nodes/Wharf/Wharf.node.js");
const { WharfTrigger } = require("../dist/nodes/WharfTrigger/WharfTrigger.node.js");
const { WharfApi } = require("../dist/credentials/WharfApi.credentials.js");

const NODES = { "n8n-nodes-wharf.wharf": new Wharf(), "n8n-nodes-wharf.wharfTrigger": new WharfTrigger() };
const START = { description: { displayName: "Start", name: "start", group: ["trigger"], version: 1, defaults: { name: "Start" }, inputs: [], outputs: ["main"], properties: [] }, execute() { return [this.getInputData()]; } };
const nodeTypes = {
  getByName: (name) => NODES[name] ?? START,
  getByNameAndVersion: (name) => NODES[name] ?? START,
  getKnownTypes: () => ({}),
};

/** Credentials as n8n hands them to requests: the class says how, its expressions are n8n's. */
class Credentials extends ICredentialsHelper {
  constructor(data) {
    super();
    this.data = data;
  }
  getParentTypes = () => [];
  getDecrypted = async () => this.data;
  getCredentials = async () => ({ id: "1", name: "Wharf", type: "wharfApi", data: "" });
  preAuthentication = async () => undefined;
  runPreAuthentication = async () => undefined;
  updateCredentials = async () => undefined;
  updateCredentialsOauthTokenData = async () => undefined;
  getCredentialsProperties = () => new WharfApi().properties;
  isCredentialUsableByNode = async () => true;
  async authenticate(credentials, type, options, workflow, node) {
    const headers = Object.entries(new WharfApi().authenticate.properties.headers).map(([name, value]) => [name, resolved(workflow, node, value, credentials)]);
    return { ...options, headers: { ...options.headers, ...Object.fromEntries(headers) } };
  }
}

export const resolved = (workflow, node, value, $credentials) => workflow.expression.getSimpleParameterValue(node, value, "internal", { $credentials }, undefined, "");

let executions = 0;
const CREDENTIALS = { wharfApi: { id: "1", name: "Wharf" } };

function workflowOf(nodes, connections = {}, staticData = {}) {
  return new Workflow({ id: "workflow", name: "A workflow", nodes, connections, nodeTypes, active: true, staticData });
}

const additional = (credentials, more = {}) => ({
  credentialsHelper: new Credentials(credentials),
  executionId: String(++executions),
  instanceBaseUrl: "http://n8n.test/",
  restApiUrl: "http://n8n.test/rest",
  webhookBaseUrl: "http://n8n.test/webhook",
  webhookTestBaseUrl: "http://n8n.test/webhook-test",
  webhookWaitingBaseUrl: "http://n8n.test/webhook-waiting",
  formWaitingBaseUrl: "http://n8n.test/form-waiting",
  variables: {},
  currentNodeParameters: undefined,
  setExecutionStatus: () => undefined,
  sendDataToUI: () => undefined,
  ...more,
});

/**
 * Runs the node as a workflow of n8n's with these items. `settings` are n8n's own of a node: `retryOnFail`, `maxTries`, `waitBetweenTries`, `onError`.
 * Gives the outputs of the node, and its error where the execution ended with one.
 */
export async function run(credentials, parameters, { items = [{ json: {} }], ...settings } = {}) {
  const start = { id: "start", name: "Start", type: "start", typeVersion: 1, position: [0, 0], parameters: {} };
  const node = { id: "11111111-0000-0000-0000-000000000000", name: "Wharf", type: "n8n-nodes-wharf.wharf", typeVersion: 1, position: [0, 0], credentials: CREDENTIALS, parameters, ...settings };
  const workflow = workflowOf([start, node], { Start: { main: [[{ node: "Wharf", type: "main", index: 0 }]] } });
  const data = additional(credentials);
  data.hooks = new ExecutionLifecycleHooks("manual", data.executionId, { id: workflow.id, name: workflow.name, nodes: [start, node], connections: {}, active: false });
  const stack = [{ node: start, data: { main: [items] }, source: null }];
  const executionData = { contextData: {}, metadata: {}, nodeExecutionStack: stack, waitingExecution: {}, waitingExecutionSource: null };
  const execute = new WorkflowExecute(data, "manual", { version: 1, startData: {}, resultData: { runData: {} }, executionData });
  const ended = await execute.processRunExecutionData(workflow);
  const task = ended.data.resultData.runData.Wharf?.at(-1);
  return { error: ended.data.resultData.error, outputs: task?.data?.main ?? [] };
}

/** The items of the node's first output, where all went well. */
export async function answered(credentials, parameters, more) {
  const { error, outputs } = await run(credentials, parameters, more);
  if (error) throw Object.assign(new Error(`${error.message}. ${error.description}`), { error });
  return outputs[0];
}

/** What the form's list of sessions shows. */
export async function sessionsShown(credentials) {
  const node = { id: "2", name: "Wharf", type: "n8n-nodes-wharf.wharf", typeVersion: 1, position: [0, 0], credentials: CREDENTIALS, parameters: {} };
  const context = new LoadOptionsContext(workflowOf([node]), node, additional(credentials), "");
  return await new Wharf().methods.loadOptions.getSessions.call(context);
}

/** Asks what the test of the credentials asks, and gives the status. */
export async function credentialsTested(credentials) {
  const node = { id: "3", name: "Wharf", type: "n8n-nodes-wharf.wharf", typeVersion: 1, position: [0, 0], credentials: CREDENTIALS, parameters: {} };
  const workflow = workflowOf([node]);
  const { baseURL, url } = new WharfApi().test.request;
  const { headers } = await new Credentials(credentials).authenticate(credentials, "wharfApi", {}, workflow, node);
  return (await fetch(resolved(workflow, node, baseURL, credentials) + url, { headers })).status;
}

const webhookData = () => ({ webhookDescription: new WharfTrigger().description.webhooks[0] });
/** As n8n keeps a workflow's data: as JSON in its database. */
const copy = (data) => JSON.parse(JSON.stringify(data));

/** A trigger in an n8n that listens: what is switched on and off, and what starts the workflow. */
export async function listening(credentials, parameters) {
  const kept = {};
  const started = [];
  const answers = [];
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const rawBody = Buffer.concat(pieces);
    // n8n's server reads the body and keeps its bytes beside it; each request finds what was kept when the workflow was switched on.
    const httpRequest = Object.assign(request, { rawBody, body: JSON.parse(rawBody), params: {}, query: {} });
    const httpResponse = { status: (status) => (response.writeHead(status), httpResponse), send: (text) => (response.write(text), httpResponse), end: () => response.end() };
    const workflow = workflowOf([node], {}, copy(kept));
    const data = additional(trigger.credentials, { webhookBaseUrl: trigger.base, httpRequest, httpResponse });
    const context = new WebhookContext(workflow, workflow.getNode(node.name), data, "webhook", webhookData(), [], null);
    const answer = await new WharfTrigger().webhook.call(context);
    if (answer.noWebhookResponse) return answers.push(401);
    // What a webhook changes there is lost where it starts a workflow, so nothing is kept here.
    if (answer.workflowData) started.push(...answer.workflowData[0].map(({ json }) => json));
    answers.push(200);
    response.writeHead(200).end(answer.webhookResponse ?? "{}");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => (server.close(), server.closeAllConnections()));
  const node = { id: "4", name: "Trigger", type: "n8n-nodes-wharf.wharfTrigger", typeVersion: 1, position: [0, 0], credentials: CREDENTIALS, webhookId: "hook", parameters };
  const base = `http://127.0.0.1:${server.address().port}/webhook`;
  const trigger = { base, credentials, node, kept, started, answers, url: undefined };
  const call = async (name) => {
    const workflow = workflowOf([node], {}, copy(kept));
    const context = new HookContext(workflow, workflow.getNode(node.name), additional(trigger.credentials, { webhookBaseUrl: base }), "trigger", "activate", webhookData());
    trigger.url = context.getNodeWebhookUrl("default");
    const answer = await new WharfTrigger().webhookMethods.default[name].call(context);
    for (const key of Object.keys(kept)) delete kept[key];
    Object.assign(kept, copy(workflow.staticData));
    return answer;
  };
  /** As n8n does it: looks first. */
  trigger.on = async () => (await call("checkExists")) || (await call("create"));
  trigger.off = () => call("delete");
  return trigger;
}

/** Starts a sandbox, and gives what a test does with it. */
export async function sandbox() {
  const folder = mkdtempSync(join(tmpdir(), "wharf-n8n-"));
  const child = spawn(process.env.WHARF_SANDBOX_BIN, ["--json", "--quiet", "--port", "0", "--data-dir", folder], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((done) => child.on("exit", done));
  const { url, controlUrl, apiKey } = await new Promise((done, failed) => {
    createInterface({ input: child.stdout }).on("line", (line) => done(JSON.parse(line)));
    ended.then((code) => failed(new Error(`the sandbox ended with ${code}`)));
  });
  after(async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const asked = async (base, method, path, body, headers = {}) => {
    const answer = await fetch(base + path, { method, headers, body: typeof body === "string" ? body : body && JSON.stringify(body) });
    const { data, error } = await answer.json();
    if (error) throw new Error(`${method} ${path}: ${JSON.stringify(error)}`);
    return data;
  };
  const wharf = (method, path, body) => asked(url, method, path, body, { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" });
  const control = (method, path, body) => asked(controlUrl, method, path, body);
  const pair = async (number) => {
    const { sessionId, qr } = await wharf("POST", "/v1/sessions", { name: `phone ${number}` });
    await control("POST", `/control/scan?phone=${number}`, qr);
    await until(async () => (await wharf("GET", `/v1/sessions/${sessionId}`)).status === "connected");
    return sessionId;
  };
  const shown = async (number) => (await control("GET", `/control/phones/${number}/messages`)).filter(({ fromMe }) => !fromMe);
  /** What a phone shows once it shows so many; a phone may show a message a moment after the server took it. */
  const arrived = (number, count) => until(async () => (await shown(number)).length >= count && (await shown(number)));
  return { url, apiKey, wharf, control, pair, arrived, credentials: { url: `${url}/`, apiKey } };
}

/** A way to the sandbox on which answers get lost: `losing` says how many of the next ones to a path, after Wharf has done what was asked. */
export async function badLine(url) {
  const line = { losing: 0, path: "", seen: [] };
  const server = createServer((request, response) => {
    const onward = ask(url + request.url, { method: request.method, headers: request.headers }, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => {
        line.seen.push({ path: request.url, key: request.headers["idempotency-key"], status: answer.statusCode });
        if (line.losing > 0 && request.url.startsWith(line.path)) {
          line.losing--;
          return request.socket.destroy();
        }
        response.writeHead(answer.statusCode, answer.headers).end(Buffer.concat(pieces));
      });
    });
    request.pipe(onward);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => (server.close(), server.closeAllConnections()));
  line.url = `http://127.0.0.1:${server.address().port}`;
  return line;
}

/** Looks until it is so; the limit of the test ends a wait for what never comes. */
export async function until(look) {
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((done) => setTimeout(done, 50));
  }
}
