// Addresses behind the `#`: no server has to know them, and they work under any prefix.
import { computed, signal } from "@preact/signals";

const read = () => {
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

export const to = (...parts: string[]) => `#/${parts.map(encodeURIComponent).join("/")}`;

export function go(...parts: string[]) {
  location.hash = to(...parts);
}

/** Takes the place of the present address, so that «back» does not lead to it again. */
export function settle(...parts: string[]) {
  history.replaceState(null, "", to(...parts));
  route.value = read();
}
