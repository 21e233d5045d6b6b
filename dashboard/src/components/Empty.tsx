import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./Icon";

/** Nothing is here yet, and what to do so that something is. */
export function Empty({ icon, title, bare, children }: { icon: IconName; title: string; bare?: boolean; children?: ComponentChildren }) {
  return (
    <div class={`empty ${bare ? "bare" : ""}`}>
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}
