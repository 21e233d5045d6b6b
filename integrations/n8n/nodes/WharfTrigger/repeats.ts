/** Which events have started a workflow already. In memory: what a webhook writes into a workflow's data n8n loses where the same request starts the workflow. */

/** How many events a node remembers, to drop what is delivered twice. */
const REMEMBERED = 100;

const seen = new Map<string, Set<string>>();

/** `place` is the workflow and its node. */
export function isRepeat(place: string, eventId: string): boolean {
  const events = seen.get(place) ?? new Set();
  if (events.has(eventId)) return true;
  seen.set(place, events.add(eventId));
  const [oldest] = events;
  if (events.size > REMEMBERED && oldest !== undefined) events.delete(oldest);
  return false;
}
