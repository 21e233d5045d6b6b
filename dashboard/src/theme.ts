// Light or dark: as the system has it, until the switch says otherwise. Only that word is kept in the browser.
import { effect, signal } from "@preact/signals";

const dark = matchMedia("(prefers-color-scheme: dark)");
const kept = () => {
  try {
    const word = localStorage.getItem("wharf-theme");
    return word === "dark" || word === "light" ? word : null;
  } catch {
    return null;
  }
};
const chosen = signal<"light" | "dark" | null>(kept());
const system = signal(dark.matches);
dark.addEventListener("change", (change) => (system.value = change.matches));

export const isDark = () => (chosen.value ? chosen.value === "dark" : system.value);

effect(() => {
  document.documentElement.dataset["theme"] = isDark() ? "dark" : "light";
});

export function switchTheme() {
  chosen.value = isDark() ? "light" : "dark";
  try {
    localStorage.setItem("wharf-theme", chosen.value);
  } catch {
    // A browser that keeps nothing still shows it.
  }
}
