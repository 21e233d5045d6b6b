// The pretend phones as phones: what each screen shows, and hands that scan, type, read and sleep. In the sandbox only.
import { useEffect, useState } from "preact/hooks";
import { me, page, type Schemas } from "../api/client";
import { listen } from "../api/events";
import { useLoad } from "../api/load";
import { MAGIC, PEOPLE, phones as listPhones, type Phone } from "../api/sandbox";
import { Bones, Head } from "../components/Card";
import { Empty } from "../components/Empty";
import { Problem } from "../components/Problem";
import { to } from "../routes";
import { Clock } from "./phones/clock";
import { Faults } from "./phones/faults";
import { Hand } from "./phones/hand";
import { Magic } from "./phones/magic";
import { Screen } from "./phones/screen";

type Session = Schemas["Session"];

export default function Phones() {
  const phones = useLoad(() => listPhones(), []);
  const sessions = useLoad((signal) => (me.value?.accountId ? page<Session>("v1/sessions", { limit: 200 }, signal) : Promise.resolve({ data: [], next: null })), [], (event) => event.event.startsWith("session."));
  const [open, setOpen] = useState<string | null>(null);
  useEffect(() => {
    // The phones tell nothing by themselves; whatever moves one of them moves the gateway's log too.
    let timer = 0;
    const stop = listen(() => {
      clearTimeout(timer);
      timer = window.setTimeout(phones.again, 400);
    });
    return () => (stop(), clearTimeout(timer));
  }, []);
  const known = phones.value ?? [];
  const owners = known.filter((one) => one.behaviour === "owner");
  const people: Phone[] = [
    ...PEOPLE.map((person) => known.find((one) => one.number === person.number) ?? { number: person.number, name: person.name, behaviour: person.does, awake: person.name !== "Asleep", waiting: 0, messages: 0, devices: [] }),
    ...known.filter((one) => one.behaviour !== "owner" && ![...PEOPLE, ...MAGIC].some((person) => person.number === one.number)),
  ];
  const session = sessions.value?.data.find((one) => one.status === "connected");
  return (
    <div class="page">
      <Head title="Pretend phones">What the other side really decrypted. Each phone is a person with habits; type as them, wake them, break their network.</Head>
      <Problem of={phones.problem} />
      {phones.loading && <Bones />}
      <h2>Your phones</h2>
      {phones.value && owners.length === 0 && (
        <Empty icon="phones" title="No phone has scanned yet">
          <p>A session's QR code makes one: «Scan with a pretend phone» beside the code.</p>
          <a class="button main" href={to("sessions")}>
            Go to the sessions
          </a>
        </Empty>
      )}
      <ul class="phones">
        {owners.map((one) => (
          <li key={one.number}>
            <Screen phone={one} onOpen={() => setOpen(one.number)} />
          </li>
        ))}
      </ul>
      <h2>People</h2>
      <ul class="phones">
        {people.map((one) => (
          <li key={one.number}>
            <Screen phone={one} session={session} onOpen={() => setOpen(one.number)} />
          </li>
        ))}
      </ul>
      <div class="columns two">
        <Magic session={session} />
        <Faults />
      </div>
      <Clock />
      {open && <Hand number={open} owner={owners[0]?.number ?? "15550000001"} onClose={() => setOpen(null)} onChange={phones.again} />}
    </div>
  );
}
