// The state of a session in a word.
import type { Schemas } from "../api/client";
import { SESSION } from "../words";
import { Badge } from "./Badge";

export function State({ session }: { session: Schemas["Session"] }) {
  const state = SESSION[session.status];
  return (
    <Badge tone={session.status === "connected" && session.degraded ? "wait" : state.tone} dot beating={state.moving}>
      {session.waitingFor ? `waits: ${session.waitingFor.replace("_", " ")}` : state.word}
    </Badge>
  );
}
