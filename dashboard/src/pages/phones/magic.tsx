// Numbers that each meet their own trouble, one click each.
import { useState } from "preact/hooks";
import { may, post, Refused, type Schemas } from "../../api/client";
import { MAGIC } from "../../api/sandbox";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";
import { Card } from "../../components/Card";
import { to } from "../../routes";
import { HELD } from "../../words";

interface Met {
  status: string;
  code?: string;
  /** Why it waits: one of these numbers holds back what goes to the next. */
  held?: string;
}

export function Magic({ session }: { session: Schemas["Session"] | undefined }) {
  const [met, setMet] = useState<Record<string, Met>>({});
  const attempt = async (number: string) => {
    const told = (one: Met) => setMet((before) => ({ ...before, [number]: one }));
    try {
      const message = await post<Schemas["Message"]>("v1/messages/text", { sessionId: session!.sessionId, to: number, text: "Hello" }, { wait: 3 });
      told({ status: message.status, code: message.error?.code, held: message.heldReason && HELD[message.heldReason] });
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      told({ status: refused.status ? String(refused.status) : "no answer", code: refused.code });
    }
  };
  return (
    <Card title="Magic numbers">
      <p class="soft">Each meets its own trouble. One click sends a text there, so that you see what your program would.</p>
      <ul class="stack tight">
        {MAGIC.map((one) => {
          const told = met[one.number];
          return (
            <li class="row spread magic">
              <span class="grow">
                <code>{one.number}</code> <span class="soft">{one.does}</span>
              </span>
              <span class="row" role="status">
                {told && <Badge tone={told.code ? "bad" : "wait"}>{told.status}</Badge>}
                {told?.held && <span class="faint">{told.held}</span>}
                {told?.code && <a href={to("docs", "error", told.code)}>{told.code}</a>}
              </span>
              <Button size="small" disabled={!session || !may("messages:send")} onPress={() => attempt(one.number)}>
                Try {one.name}
              </Button>
            </li>
          );
        })}
      </ul>
      {!session && <p class="faint">Link a session first.</p>}
    </Card>
  );
}
