// A poll with its votes, and who gave them.
import type { Schemas } from "../api/client";
import { phone } from "./Time";

export function Poll({ message }: { message: Schemas["Message"] }) {
  const results = new Map((message.results ?? []).map((result) => [result.option, result]));
  const most = Math.max(1, ...[...results.values()].map((result) => result.votes));
  const voters = new Set([...results.values()].flatMap((result) => result.voterIds));
  return (
    <div class="poll">
      <p>
        <strong>{message.question}</strong>
      </p>
      <ul>
        {message.options?.map((option) => {
          const result = results.get(option);
          const by = result?.voterIds.map((id) => (id === message.chat.chatId && message.chat.name ? message.chat.name : nameOf(id))).join(", ");
          return (
            <li>
              <span>{option}</span>
              <span class="faint">{result?.votes ?? 0}</span>
              <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                <rect class="track" width="100" height="4" />
                <rect class="fill" width={((result?.votes ?? 0) / most) * 100} height="4" />
              </svg>
              {by && <span class="faint voters">{by}</span>}
            </li>
          );
        })}
      </ul>
      <p class="faint">
        {message.selectableCount === 1 ? "One choice" : message.selectableCount ? `Up to ${message.selectableCount} choices` : "Any number of choices"} · {voters.size === 1 ? "1 vote" : `${voters.size} voted`}
      </p>
    </div>
  );
}

const nameOf = (id: string) => (id === "me" ? "this session" : phone(id.split("@")[0]));
