// One HTTP client of Node.js, named by the first argument: reads requests as lines of JSON, writes what came as lines of JSON.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import axios from "axios";
import got from "got";
import { request } from "undici";

const CLIENTS = {
  async fetch(url, { method, headers, body }) {
    const answer = await fetch(url, { method, headers, body });
    return [answer.status, await answer.text()];
  },
  async axios(url, { method, headers, body }) {
    const answer = await axios({ url, method, headers, data: body, validateStatus: null, responseType: "text", transformResponse: [] });
    return [answer.status, answer.data];
  },
  async got(url, { method, headers, body }) {
    const answer = await got(url, { method, headers, body, throwHttpErrors: false });
    return [answer.statusCode, answer.body];
  },
  async undici(url, { method, headers, body }) {
    const answer = await request(url, { method, headers, body });
    return [answer.statusCode, await answer.body.text()];
  },
};

const client = CLIENTS[process.argv[2]];
for await (const line of createInterface({ input: process.stdin })) {
  const { url, method, headers, file } = JSON.parse(line);
  let came;
  try {
    const [status, text] = await client(url, { method, headers, body: readFileSync(file) });
    came = { status, text };
  } catch (error) {
    came = { failed: String(error.cause?.code ?? error.code ?? error.message) };
  }
  console.log(JSON.stringify(came));
}
