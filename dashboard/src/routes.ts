// Addresses behind the `#`: no server has to know them, and they work under any prefix.
import { computed, signal } from "@preact/signals";
import { open } from "./api/client";

const read = () => {
  // What the API's own links to an error look like.
  const code = location.hash.match(/^#error-(\w+)$/)?.[1];
  if (code) return { parts: ["docs", "error", code], query: new URLSearchParams() };
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { parts: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) };
};

function decode(text: string) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = signal(read());
export const pageName = computed(() => route.value.parts[0] ?? "");

window.addEventListener("hashchange", () => {
  route.value = read();
});

/** From the open reference everything but itself is at the dashboard's own address. */
const before = (page: string | undefined) => (open && page !== "docs" ? "dashboard/" : "");

export const to = (...parts: string[]) => `${before(parts[0])}#/${parts.map(encodeURIComponent).join("/")}`;

export function go(...parts: string[]) {
  location.href = to(...parts);
}

/** Takes the place of the present address, so that «back» does not lead to it again. */
export function settle(...parts: string[]) {
  history.replaceState(null, "", to(...parts));
  route.value = read();
}
