// Takes deliveries of webhooks, and nothing from strangers: SECRET=whsec_… PORT=9000 node examples/receiver.mjs
import { createServer } from "node:http";
import { verify, WebhookVerificationError } from "wharf-client/webhooks";

const { SECRET = "", PORT = "9000" } = process.env;

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  try {
    const event = await verify(Buffer.concat(pieces), request.headers, SECRET);
    console.log(`${event.eventId} ${event.event}`);
    response.writeHead(204).end();
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    console.log(`refused: ${error.fault}`);
    response.writeHead(400).end();
  }
});
server.listen(Number(PORT), "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(`listening on ${port}`);
});
