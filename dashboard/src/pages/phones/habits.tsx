// What a person does without being told, as far as the pretend network lets it be changed.
import { useLoad } from "../../api/load";
import { control, type Phone } from "../../api/sandbox";
import { Check } from "../../components/Field";
import { Button } from "../../components/Button";
import { Problem, report, tell } from "../../components/Problem";

interface Restriction {
  locked: boolean;
  guarded: boolean;
}

export function Habits({ phone, onChange }: { phone: Phone; onChange: () => void }) {
  const at = `/phones/${phone.number}`;
  const restriction = useLoad(() => control<Restriction>("GET", `${at}/restriction`), [phone.number]);
  const change = async (method: string, path: string, body?: unknown) => {
    await control(method, `${at}${path}`, body).catch(report);
    restriction.again();
    onChange();
  };
  return (
    <div class="stack tight">
      <Check label="Awake" hint="what comes while it is off waits" checked={phone.awake} onChange={(on) => void change("POST", on ? "/wake" : "/sleep")} />
      {restriction.value && (
        <>
          <Check label="Takes no stranger's message" hint="whoever has no token of this person is refused with 463" checked={restriction.value.guarded} onChange={(guarded) => void change("POST", "/guard", { guarded })} />
          {phone.behaviour === "owner" && (
            <Check label="WhatsApp lets this account write to nobody new" hint="known chats go on" checked={restriction.value.locked} onChange={(on) => void change(on ? "PUT" : "DELETE", "/restriction", on ? { notice: true } : undefined)} />
          )}
        </>
      )}
      <Problem of={restriction.problem} />
      <div class="row">
        <Button size="small" onPress={() => change("POST", "/presence", { state: "available" }).then(() => tell("It shows as online"))}>
          Be online
        </Button>
        <Button size="small" onPress={() => change("POST", "/presence", { state: "unavailable" }).then(() => tell("It shows as away"))}>
          Be away
        </Button>
        {phone.devices.length > 0 && (
          <Button size="small" kind="danger" onPress={() => change("POST", "/logout", {})}>
            Unlink the session
          </Button>
        )}
      </div>
    </div>
  );
}
