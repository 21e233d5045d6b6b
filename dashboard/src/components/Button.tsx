// A button that waits for what it started, and cannot be pressed twice meanwhile.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon, type IconName } from "./Icon";
import { report } from "./Problem";

interface Props {
  children?: ComponentChildren;
  icon?: IconName;
  label?: string;
  kind?: "main" | "danger" | "plain" | "";
  size?: "small" | "large" | "";
  wide?: boolean;
  type?: "button" | "submit";
  disabled?: boolean;
  busy?: boolean;
  pressed?: boolean;
  expanded?: boolean;
  onPress?: () => unknown;
}

export function Button({ children, icon, label, kind = "", size = "", wide, type = "button", disabled, busy, pressed, expanded, onPress }: Props) {
  const [running, setRunning] = useState(false);
  const press = async () => {
    const work = onPress?.();
    if (!(work instanceof Promise)) return;
    setRunning(true);
    try {
      await work;
    } catch (problem) {
      report(problem);
    } finally {
      setRunning(false);
    }
  };
  const classes = ["button", kind, size, children ? "" : "icon", wide ? "wide" : ""].filter(Boolean).join(" ");
  return (
    <button type={type} class={classes} disabled={disabled || running || busy} aria-busy={running || busy || undefined} aria-label={label} title={children ? undefined : label} aria-pressed={pressed} aria-expanded={expanded} onClick={onPress && press}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}
