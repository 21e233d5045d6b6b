// The event log as it grows.
import { useEffect, useRef, useState } from "preact/hooks";
import { page, type Schemas } from "../api/client";
import { listen, type Event } from "../api/events";
import { Badge, type Tone } from "../components/Badge";
import { Button } from "../components/Button";
import { Card, Head } from "../components/Card";
import { Code, curl } from "../components/Code";
import { Empty } from "../components/Empty";
import { Field, typed } from "../components/Field";
import { Problem } from "../components/Problem";
import { useLoad } from "../api/load";
import { phone, Time } from "../components/Time";

const MOST = 200;

export default function Events() {
  const [events, setEvents] = useState<Event[]>([]);
  const [kind, setKind] = useState("");
  const [sessionId, setSession] = useState("");
  const [words, setWords] = useState("");
  const [paused, setPaused] = useState(false);
  const held = useRef<Event[]>([]);
  const [problem, setProblem] = useState<unknown>(null);
  const sessions = useLoad((signal) => page<Schemas["Session"]>("v1/sessions", { limit: 200 }, signal).catch(() => ({ data: [] as Schemas["Session"][], next: null })), []);
  const pausedNow = useRef(false);
  pausedNow.current = paused;
  const add = (more: Event[]) => setEvents((before) => [...more.reverse(), ...before.filter((one) => !more.some((event) => event.eventId === one.eventId))].slice(0, MOST));
  useEffect(() => {
    const stop = listen((event) => (pausedNow.current ? held.current.push(event) : add([event])));
    // What was there before the page came: the end of the log.
    const controller = new AbortController();
    page<Event>("v1/events", { cursor: `-${MOST}`, limit: MOST }, controller.signal).then(
      ({ data }) => add(data),
      (refused) => controller.signal.aborted || setProblem(refused),
    );
    return () => (stop(), controller.abort());
  }, []);
  const kinds = [...new Set(events.map((event) => event.event))].sort();
  const wanted = words.trim().toLowerCase();
  const shown = events.filter((event) => (!kind || event.event === kind) && (!sessionId || event.sessionId === sessionId) && (!wanted || JSON.stringify(event).toLowerCase().includes(wanted)));
  return (
    <div class="page">
      <Head
        title="Events"
        actions={
          <Button
            icon={paused ? "play" : "pause"}
            pressed={paused}
            onPress={() => {
              if (paused) add(held.current.splice(0));
              setPaused(!paused);
            }}
          >
            {paused ? "Go on" : "Hold"}
          </Button>
        }
      >
        Everything that happens, newest first, as webhooks and streams tell it.
      </Head>
      <div class="filters">
        <Field label="Kind">
          <select value={kind} onChange={typed(setKind)}>
            <option value="">all</option>
            {kinds.map((one) => (
              <option>{one}</option>
            ))}
          </select>
        </Field>
        <Field label="Session">
          <select value={sessionId} onChange={typed(setSession)}>
            <option value="">all</option>
            {sessions.value?.data.map((session) => (
              <option value={session.sessionId}>{session.name}</option>
            ))}
          </select>
        </Field>
        <Field label="Words in it">
          <input type="search" value={words} onInput={typed(setWords)} />
        </Field>
      </div>
      <Problem of={problem} />
      {shown.length === 0 ? (
        <Empty icon="events" title={events.length ? "Nothing fits" : "Nothing has happened yet"}>
          <p>{events.length ? "Change the filters." : "Link a session or send a message; it shows here at once."}</p>
        </Empty>
      ) : (
        <Card flush>
          <ul class="tail" aria-label="Events" aria-live="polite" aria-relevant="additions">
            {shown.map((event) => (
              <li key={event.eventId}>
                <details>
                  <summary>
                    <span class="tail-time">
                      <Time at={event.createdAt} as="precise" />
                    </span>
                    <Badge tone={tone(event.event)}>{event.event}</Badge>
                    <span class="tail-words">{say(event)}</span>
                  </summary>
                  <Code text={JSON.stringify(event, null, 2)} label="The event as JSON" />
                </details>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <details class="fold">
        <summary>The same at a terminal</summary>
        <Code text={`${curl("GET", `v1/events?${new URLSearchParams({ ...(kind && { events: kind }), ...(sessionId && { sessionId }) })}`)} \\\n  -H 'Accept: text/event-stream' -N`} label="curl" />
      </details>
    </div>
  );
}

const tone = (kind: string): Tone => (/failed|disconnected|disabled/.test(kind) ? "bad" : /received|connected/.test(kind) ? "good" : /status|qr|warning/.test(kind) ? "" : "note");

function say(event: Event) {
  const data = event.data as { text?: string; caption?: string; status?: string; reason?: string; emoji?: string; type?: string; chat?: Schemas["ChatName"]; question?: string };
  const who = data.chat?.name ?? (data.chat?.phoneNumber ? phone(data.chat.phoneNumber) : undefined);
  return [who, data.text ?? data.caption ?? data.emoji ?? data.question, data.status, data.reason].filter(Boolean).join(" · ");
}
