// What the screen of a pretend phone shows.
import { may, post, type Schemas } from "../../api/client";
import { useLoad } from "../../api/load";
import { ledger, PEOPLE, type Entry, type Phone } from "../../api/sandbox";
import { Avatar } from "../../components/Avatar";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";
import { tell } from "../../components/Problem";
import { number, phone, Time } from "../../components/Time";

type Session = Schemas["Session"];

/** Owners are called after their number, which stands below anyway. */
export const nameOf = (phone: Phone) => (phone.name === `Owner ${phone.number}` ? "Owner" : phone.name);

export const does = (phone: Phone) => PEOPLE.find((person) => person.number === phone.number)?.does ?? (phone.behaviour === "owner" ? (phone.devices.length ? "owns a linked session" : "owns no linked session now") : phone.behaviour);

/** Words about another entry show at that one. */
export const isShown = (entry: Entry) => !["reaction", "edit", "delete", "vote"].includes(entry.type);

export function Screen({ phone: one, session, onOpen }: { phone: Phone; session?: Session; onOpen: () => void }) {
  const entries = useLoad(() => (one.messages || one.waiting ? ledger(one.number) : Promise.resolve<Entry[]>([])), [one.number, one.messages, one.waiting]);
  const shown = (entries.value ?? []).filter(isShown).slice(-4);
  return (
    <article class={`phone ${one.awake ? "" : "asleep"}`} aria-label={`${nameOf(one)}'s phone`}>
      <header>
        <Avatar name={nameOf(one)} small />
        <div class="grow">
          <h3>{nameOf(one)}</h3>
          <p class="faint">{phone(one.number)}</p>
        </div>
        {!one.awake && <Badge tone="wait">asleep</Badge>}
        {one.devices.length > 0 && <Badge tone="good">{number(one.devices.length)} linked</Badge>}
      </header>
      <div class="phone-screen">
        {shown.length === 0 && <p class="faint">{one.awake ? "Nothing on the screen." : `${number(one.waiting)} waiting.`}</p>}
        {shown.map((entry) => (
          <Line key={entry.id} entry={entry} />
        ))}
      </div>
      <footer>
        <span class="faint">{does(one)}</span>
        <div class="row">
          {session && may("messages:send") && (
            <Button size="small" onPress={async () => (await post("v1/messages/text", { sessionId: session.sessionId, to: one.number, text: `Hello ${one.name}` }), tell(`Sent to ${one.name}`))}>
              Say hello
            </Button>
          )}
          <Button size="small" onPress={onOpen}>
            Pick it up
          </Button>
        </div>
      </footer>
    </article>
  );
}

const KINDS: Record<string, string> = { contact: "👤 a contact card", location: "📍 a place" };
const FILES: Record<string, string> = { image: "🖼", video: "🎞", audio: "🎤", sticker: "🏷" };

export function Line({ entry }: { entry: Entry }) {
  const words = entry.deleted ? "deleted" : (entry.text ?? entry.question ?? entry.name ?? (entry.media ? [FILES[entry.media.type] ?? "📎", entry.media.caption ?? entry.media.fileName ?? entry.media.type].join(" ") : (KINDS[entry.type] ?? entry.type)));
  return (
    <p class={`line ${entry.fromMe ? "out" : "in"}`}>
      {words}
      {entry.reactions && Object.values(entry.reactions).map((emoji) => <span> {emoji}</span>)}
      <span class="faint">
        {" "}
        <Time at={entry.firstAtMs} as="clock" />
        {entry.edited && !entry.deleted ? " · edited" : ""}
        {!entry.fromMe && entry.readAtMs ? " · read" : ""}
      </span>
    </p>
  );
}
