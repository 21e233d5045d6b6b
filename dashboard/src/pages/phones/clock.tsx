// The gateway's clock, which goes forward only: what takes days happens at once.
import { useState } from "preact/hooks";
import { useLoad } from "../../api/load";
import { control } from "../../api/sandbox";
import { Button } from "../../components/Button";
import { Card } from "../../components/Card";
import { Field, typed } from "../../components/Field";
import { Problem } from "../../components/Problem";
import { span, Time } from "../../components/Time";

const STEPS: [string, number][] = [
  ["A minute", 60],
  ["An hour", 3_600],
  ["A day", 86_400],
  ["A week", 604_800],
];

export function Clock() {
  const clock = useLoad(() => control<{ now: string; aheadSeconds: number }>("GET", "", undefined, "clock"), []);
  const [minutes, setMinutes] = useState("15");
  const forward = (advanceSeconds: number) => async () => {
    await control("POST", "", { advanceSeconds }, "clock");
    clock.again();
  };
  return (
    <Card title="The gateway's clock">
      <p class="soft">
        {clock.value && (
          <>
            It shows <Time at={clock.value.now} as="exact" />
            {clock.value.aheadSeconds > 0 && `, ${span(clock.value.aheadSeconds)} ahead`}. It goes forward only: a webhook's next try, the end of an edit's 15 minutes, a key's last day come at once. The phones keep the true time.
          </>
        )}
      </p>
      <Problem of={clock.problem} />
      <div class="row">
        {STEPS.map(([words, seconds]) => (
          <Button icon="clock" onPress={forward(seconds)}>
            {words}
          </Button>
        ))}
      </div>
      <div class="filters">
        <Field label="Minutes">
          <input inputMode="numeric" pattern="[0-9]+" value={minutes} onInput={typed(setMinutes)} />
        </Field>
        <Button disabled={!Number(minutes)} onPress={forward(Math.round(Number(minutes) * 60))}>
          Put it forward
        </Button>
      </div>
    </Card>
  );
}
