// Which WhatsApp this Wharf claims to be, what is paused, and which features are off.
import { get, post, put, type Schemas } from "../../api/client";
import { useLoad } from "../../api/load";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";
import { Card } from "../../components/Card";
import { Problem } from "../../components/Problem";
import { Table } from "../../components/Table";
import { number, Time } from "../../components/Time";

export function Whatsapp() {
  const version = useLoad((signal) => get<Schemas["Whatsapp"]>("v1/admin/whatsapp", {}, signal), []);
  const switches = useLoad((signal) => get<Schemas["Switches"]>("v1/admin/whatsapp/switches", {}, signal), []);
  const notice = useLoad((signal) => get<Schemas["UpdateNotice"]>("v1/admin/whatsapp/update-notice", {}, signal), []);
  const set = async (body: Schemas["PutSwitches"]) => {
    await put("v1/admin/whatsapp/switches", body);
    switches.again();
  };
  const pauses = [
    ["sending", "Sending", "sendingPaused"],
    ["connecting", "Connecting", "connectingPaused"],
  ] as const;
  return (
    <>
      <div class="columns two">
      <Card
        title="Version of WhatsApp Web"
        aside={
          <Button size="small" icon="turn" onPress={async () => (await post("v1/admin/whatsapp/version"), version.again())}>
            Ask WhatsApp now
          </Button>
        }
      >
        <Problem of={version.problem} />
        {version.value && (
          <dl class="pairs">
            <dt>Claimed</dt>
            <dd>
              {version.value.claimed} <span class="faint">from {version.value.source.replace("_", " ")}</span>
            </dd>
            <dt>Served by WhatsApp</dt>
            <dd>{version.value.served ?? "not asked yet"}</dd>
            <dt>Refused</dt>
            <dd>{version.value.refused ?? "none"}</dd>
            <dt>Ends</dt>
            <dd>{version.value.expiresAt ? <Time at={version.value.expiresAt} /> : "nothing was announced"}</dd>
            <dt>Sessions that wait</dt>
            <dd>{version.value.waiting.length ? version.value.waiting.map((one) => `${number(one.sessions)} for ${one.for.replace("_", " ")}`).join(", ") : "none"}</dd>
          </dl>
        )}
        {notice.value && (
          <p class="soft">
            This is Wharf {notice.value.running}
            {notice.value.newest ? `; the newest is ${notice.value.newest}.` : "; no news of a newer one."} {notice.value.notes}
          </p>
        )}
      </Card>
      <Card title="Pauses">
        <Problem of={switches.problem} />
        {switches.value &&
          pauses.map(([name, title, member]) => {
            const pause = switches.value![name];
            return (
              <div class="row spread">
                <span>
                  {title} {pause.paused ? <Badge tone="bad">paused</Badge> : <Badge tone="good">goes on</Badge>}
                  {pause.since && (
                    <span class="faint">
                      {" "}
                      since <Time at={pause.since} />
                    </span>
                  )}
                </span>
                <Button size="small" kind={pause.paused ? "main" : "danger"} onPress={() => set({ [member]: !pause.paused })}>
                  {pause.paused ? "Let it go on" : "Pause it"}
                </Button>
              </div>
            );
          })}
        <p class="faint">What is accepted meanwhile waits and goes out afterwards.</p>
      </Card>
    </div>
      <Card title="Features" flush>
        {switches.value && (
          <Table
            caption="Features"
            rows={Object.entries(switches.value.features) as [string, Schemas["FeatureSwitch"]][]}
            id={([name]) => name}
            columns={[
              { name: "Feature", cell: ([name]) => name.replace("_", " ") },
              { name: "State", cell: ([, one]) => (one.degradedSince ? <Badge tone="wait">degraded</Badge> : one.position === "off" ? <Badge tone="bad">off</Badge> : <Badge tone="good">on</Badge>) },
              {
                name: "Position",
                kind: "actions",
                cell: ([name, one]) => (
                  <select class="short" aria-label={`Position of ${name}`} value={one.position} onChange={(event) => void set({ features: { [name]: event.currentTarget.value } as Schemas["PutSwitches"]["features"] })}>
                    <option>on</option>
                    <option>auto</option>
                    <option>off</option>
                  </select>
                ),
              },
            ]}
          />
        )}
      </Card>
    </>
  );
}

