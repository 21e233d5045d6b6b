// One EventSource client of Node.js, named by the first argument, on the stream of the second with the key of the third: writes «open» at each
// connection and the text of each event as it comes.
import polyfill from "event-source-polyfill";
import { EventSource } from "eventsource";

const [name, url, key] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${key}` };
const source =
  name === "eventsource"
    ? new EventSource(url, { fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }) })
    : new polyfill.EventSourcePolyfill(url, { headers });
source.addEventListener("open", () => console.log("open"));
source.addEventListener("message.sent", (event) => console.log(JSON.parse(event.data).data.text));
