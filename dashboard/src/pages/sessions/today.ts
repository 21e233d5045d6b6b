// How many messages each session had today, by one question for all of them, counted on by what the stream tells.
import { useEffect, useState } from "preact/hooks";
import { may, page, type Schemas } from "../../api/client";
import { listen } from "../../api/events";
import { number } from "../../components/Time";

export interface Count {
  out: number;
  in: number;
}

export interface Today {
  of: (sessionId: string) => Count;
  /** Where there were more than one page holds, the numbers say «at least». */
  isLeast: boolean;
}

const NONE: Count = { out: 0, in: 0 };
/** Days of use are days by UTC. */
const midnight = () => `${new Date().toISOString().slice(0, 10)}T00:00:00Z`;

export function useToday(): Today | null {
  const [counts, setCounts] = useState<Map<string, Count> | null>(null);
  const [isLeast, setLeast] = useState(false);
  const add = (sessionId: string, way: keyof Count) =>
    setCounts((before) => {
      if (!before) return before;
      const count = before.get(sessionId) ?? NONE;
      return new Map(before).set(sessionId, { ...count, [way]: count[way] + 1 });
    });
  useEffect(() => {
    if (!may("messages:read")) return;
    const controller = new AbortController();
    void page<Schemas["Message"]>("v1/messages", { since: midnight(), limit: 200 }, controller.signal).then(({ data, next }) => {
      const found = new Map<string, Count>();
      for (const message of data) {
        const count = found.get(message.sessionId) ?? { ...NONE };
        count[message.direction === "outgoing" ? "out" : "in"] += 1;
        found.set(message.sessionId, count);
      }
      setLeast(next !== null);
      setCounts(found);
    }, () => undefined);
    const stop = listen((event) => {
      if (!event.sessionId) return;
      if (event.event === "message.received") add(event.sessionId, "in");
      else if (event.event === "message.status" && (event.data as { status?: string }).status === "sent") add(event.sessionId, "out");
    });
    return () => (stop(), controller.abort());
  }, []);
  return counts && { of: (sessionId) => counts.get(sessionId) ?? NONE, isLeast };
}

export const counted = (count: Count, isLeast: boolean) => `${number(count.out)}${isLeast ? "+" : ""} out, ${number(count.in)}${isLeast ? "+" : ""} in`;
