// Whether a webhook is on, off, or on and failing.
import type { Schemas } from "../api/client";
import { Badge } from "./Badge";

export function HookState({ hook }: { hook: Schemas["Webhook"] }) {
  if (!hook.enabled) return <Badge tone="bad">off</Badge>;
  return hook.failingSince ? (
    <Badge tone="wait" dot>
      failing
    </Badge>
  ) : (
    <Badge tone="good" dot>
      on
    </Badge>
  );
}
