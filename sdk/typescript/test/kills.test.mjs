import assert from "node:assert/strict";
import { test } from "node:test";
import { kills } from "./kills.mjs";

test("a program without a line of error handling sends each text once and hears each event once, over kills of the gateway", { timeout: 180_000 }, async (context) => {
  const told = await kills(60, 2);
  context.diagnostic(JSON.stringify(told));
  const { accepted, shown, different, heard, heardOnce, retries } = told;
  assert.deepEqual({ accepted, shown, different, heard, heardOnce }, { accepted: 60, shown: 60, different: 60, heard: 60, heardOnce: 60 });
  assert.ok(retries > 0, "the kills were met");
});
