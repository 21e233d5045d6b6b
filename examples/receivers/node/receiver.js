// A receiver of webhooks in Node.js: npm install, then SECRET=whsec_… PORT=9000 node receiver.js
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.SECRET);

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    try {
      // The signature stands on the bytes as they came: verify first, parse afterwards.
      const event = webhook.verify(Buffer.concat(chunks).toString("utf8"), request.headers);
      // The same event can come twice: remember the id of what was handled.
      console.log(`verified ${request.headers["webhook-id"]} ${event.event}`);
      response.writeHead(204).end();
    } catch (error) {
      console.log(`refused: ${error.message}`);
      response.writeHead(400).end();
    }
  });
});

server.listen(Number(process.env.PORT ?? 9000), "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
