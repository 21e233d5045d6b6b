// A way to Wharf that breaks when it is told to.
import { createServer, connect } from "node:net";
import { after } from "node:test";

/** Passes bytes on; `cut` ends what runs, `deaf` loses so many answers after their requests have gone through. */
export async function proxy(url) {
  const { hostname, port } = new URL(url);
  const open = new Set();
  const state = { requests: [], deaf: 0 };
  const server = createServer((from) => {
    const to = connect(Number(port), hostname);
    const end = () => {
      from.destroy();
      to.destroy();
      open.delete(end);
    };
    open.add(end);
    for (const socket of [from, to]) socket.on("error", end).on("close", end);
    from.on("data", (bytes) => {
      const text = bytes.toString("latin1");
      if (/^[A-Z]+ \/\S* HTTP\/1\.1\r\n/.test(text)) state.requests.push(text);
      to.write(bytes);
    });
    to.on("data", (bytes) => {
      if (state.deaf > 0) {
        state.deaf--;
        end();
      } else from.write(bytes);
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => {
    state.cut();
    server.close();
  });
  state.url = `http://127.0.0.1:${server.address().port}`;
  state.cut = () => [...open].forEach((end) => end());
  /** The values of a header in the requests to a path, in their order. */
  state.header = (path, name) =>
    state.requests.filter((text) => text.split(" ")[1].startsWith(path)).map((text) => new RegExp(`^${name}: (.*)$`, "im").exec(text)?.[1].trim());
  return state;
}
