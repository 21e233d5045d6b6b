// The gateway is killed again and again under a program that sends texts and hears events, without a line of error handling in the program.
//
//   node test/kills.mjs [TEXTS [KILLS]]     1000 and 10; WHARF_SANDBOX_BIN and WHARF_SIM_BIN name the programs
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { folder, hands, program, remove, until } from "./harness.mjs";

/** A port to start the gateway at again and again, below those that the system gives to whoever asks for any: nobody else gets it meanwhile. */
async function freePort() {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer();
    const free = await new Promise((done) => server.once("error", () => done(false)).listen(port, "127.0.0.1", () => done(true)));
    if (!free) continue;
    await new Promise((done) => server.close(done));
    return String(port);
  }
}

/** What a user writes: `wharf` sends all texts, eight at a time, and hears what becomes of them. */
async function userProgram(wharf, sessionId, to, texts, told) {
  const listening = wharf.events.listen({ events: ["message.sent"] });
  await listening.ready;
  const heard = [];
  const hearing = (async () => {
    for await (const event of listening) {
      heard.push(event);
      if (heard.length === texts.length) return;
    }
  })();
  const waiting = [...texts];
  const sender = async () => {
    for (let text = waiting.shift(); text !== undefined; text = waiting.shift()) {
      const { messageId } = await wharf.messages.sendText({ sessionId, to, text, async: true });
      told(messageId);
    }
  };
  await Promise.all(Array.from({ length: 8 }, sender));
  await hearing;
  return heard;
}

export async function kills(count, times) {
  const data = folder();
  const network = await program("WHARF_SIM_BIN", ["--json", "--data-dir", `${data}/network`]);
  const port = await freePort();
  const start = () => program("WHARF_SANDBOX_BIN", ["--json", "--quiet", "--port", port, "--network", network.ready.url, "--data-dir", `${data}/gateway`]);
  let gateway = await start();
  try {
    const { controlUrl } = network.ready;
    const world = hands({ ...gateway.ready, controlUrl });
    await world.operator.admin.setPlan("kills", { messagesPerDay: null, callsPerMinute: 100_000, sessions: null, concurrentRequests: 100 });
    const { accountId } = await world.client().account.get();
    await world.operator.admin.updateAccount(accountId, { plan: "kills" });
    const retries = [];
    const wharf = world.client({ onRetry: ({ operation }) => retries.push(operation), maxRetries: 12, longestPauseMs: 5_000 });
    const sessionId = await world.pair(wharf, "15550000001");
    const texts = Array.from({ length: count }, (_, n) => `text ${n}`);
    const ids = new Set();
    const running = userProgram(wharf, sessionId, "15550002000", texts, (id) => ids.add(id));
    // Looked at below: a program that failed must not end this one before it has cleaned up.
    running.catch(() => undefined);
    for (let kill = 1; kill <= times; kill++) {
      // Spread over the sends, so that each finds some on their way.
      await Promise.race([running, until(() => ids.size >= (kill * count) / (times + 1))]);
      await gateway.stop("SIGKILL");
      gateway = await start();
    }
    const heard = await running;
    const seen = await until(async () => {
      const shown = await world.shown("15550002000");
      return shown.length >= count && shown;
    });
    const wordsOf = (message) => message.text ?? message.body;
    return {
      texts: count,
      kills: times,
      accepted: ids.size,
      shown: seen.length,
      different: new Set(seen.map(wordsOf)).size,
      heard: heard.length,
      heardOnce: new Set(heard.map((event) => event.data.messageId)).size,
      retries: retries.length,
    };
  } finally {
    await gateway.stop();
    await network.stop();
    remove(data);
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [count = "1000", times = "10"] = process.argv.slice(2);
  const told = await kills(Number(count), Number(times));
  console.log(JSON.stringify(told));
  const { texts, accepted, shown, different, heard, heardOnce } = told;
  process.exit([accepted, shown, different, heard, heardOnce].every((number) => number === texts) ? 0 : 1);
}
