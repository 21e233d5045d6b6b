// The ways to link a phone: a code to scan, which renews itself, a code to type, and in the sandbox a click.
import { useEffect, useState } from "preact/hooks";
import { get, may, post, Refused, sandboxed, type Schemas } from "../api/client";
import { freePhone, scan } from "../api/sandbox";
import { Button } from "./Button";
import { Field, typed } from "./Field";
import { Problem } from "./Problem";

type Qr = Schemas["Qr"];

export function LinkPhone({ session, onScan }: { session: Schemas["Session"]; onScan?: () => void }) {
  const { qr, problem } = useQr(session.sessionId);
  const [way, setWay] = useState<"scan" | "type">("scan");
  return (
    <div class="link">
      <div class="tabs" role="group" aria-label="How to link">
        <button aria-pressed={way === "scan"} onClick={() => setWay("scan")}>
          Scan a code
        </button>
        <button aria-pressed={way === "type"} onClick={() => setWay("type")}>
          Type a code
        </button>
      </div>
      {way === "type" ? (
        <Pairing session={session} />
      ) : (
        <div class="link-scan">
          <div class="qr">
            {qr ? <img src={qr.qrCode} alt="QR code to be scanned with WhatsApp on the phone" width="264" height="264" /> : <span class="faint">{problem ? "No code" : "The code is on its way"}</span>}
          </div>
          <div class="stack">
            <ol class="steps">
              <li>Open WhatsApp on the phone.</li>
              <li>Go to Settings, then Linked devices, then Link a device.</li>
              <li>Point the camera at this code.</li>
            </ol>
            {!problem && <Countdown until={qr?.qrExpiresAt} key={qr?.qrExpiresAt} />}
            {sandboxed && !problem && (
              <Button kind="main" icon="phones" disabled={!qr} onPress={async () => qr && (await scan(qr.qr, await freePhone()), onScan?.())}>
                Scan with a pretend phone
              </Button>
            )}
            <Problem of={problem} />
          </div>
        </div>
      )}
    </div>
  );
}

/** The code that is shown now; asks for the next one with the text of this one, so the answer waits until there is another. */
function useQr(sessionId: string) {
  const [qr, setQr] = useState<Qr | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    const controller = new AbortController();
    void (async () => {
      let shown: string | undefined;
      while (!controller.signal.aborted) {
        try {
          const next = await get<Qr>(`v1/sessions/${sessionId}/qr`, { wait: shown ? 30 : 10, known: shown }, controller.signal);
          shown = next.qr;
          setQr(next);
        } catch (refused) {
          if (controller.signal.aborted) return;
          // Linked meanwhile, or out of codes: the session's state says so, here is nothing more to show.
          setQr(null);
          if (refused instanceof Refused && refused.status < 500 && refused.status !== 0) {
            if (refused.code !== "session_already_connected" && refused.code !== "conflict") setProblem(refused);
            return;
          }
          await new Promise((done) => setTimeout(done, 2_000));
        }
      }
    })();
    return () => controller.abort();
  }, [sessionId]);
  return { qr, problem };
}

/** Keeps its room while the code is on its way. */
function Countdown({ until }: { until: string | undefined }) {
  const left = () => (until ? Math.max(0, Math.ceil((new Date(until).getTime() - Date.now()) / 1000)) : 0);
  const [seconds, setSeconds] = useState(left);
  const [whole] = useState(() => Math.max(left(), 1));
  useEffect(() => {
    if (!until) return;
    const timer = setInterval(() => setSeconds(left()), 500);
    return () => clearInterval(timer);
  }, [until]);
  return (
    <div class="countdown">
      <svg viewBox="0 0 36 36" aria-hidden="true">
        <circle class="track" cx="18" cy="18" r="15" />
        <circle class="left" cx="18" cy="18" r="15" pathLength="100" stroke-dasharray={`${(seconds / whole) * 100} 100`} transform="rotate(-90 18 18)" />
      </svg>
      <span class="faint">
        {until ? (
          <>
            <span role="timer">{seconds}</span> s until the next code
          </>
        ) : (
          "a moment"
        )}
      </span>
    </div>
  );
}

function Pairing({ session }: { session: Schemas["Session"] }) {
  const [phoneNumber, setNumber] = useState("");
  const [code, setCode] = useState<Schemas["PairingCode"] | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const make = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      setCode(await post<Schemas["PairingCode"]>(`v1/sessions/${session.sessionId}/pairing-code`, { phoneNumber }));
    } catch (refused) {
      setProblem(refused);
    }
    setBusy(false);
  };
  if (!may("sessions:write")) return <p class="soft">Your role may not link phones.</p>;
  return (
    <form class="stack" onSubmit={make}>
      <Field label="The phone's number" hint="In international form, such as +1 415 555 2671.">
        <input type="tel" required value={phoneNumber} onInput={typed(setNumber)} />
      </Field>
      <Problem of={problem} />
      {code ? (
        <div class="stack tight">
          <p class="pairing-code" data-code>
            {code.pairingCode}
          </p>
          <p class="soft">On the phone: Linked devices, Link a device, «Link with phone number instead», then type this.</p>
        </div>
      ) : (
        <div class="row">
          <Button type="submit" kind="main" busy={busy}>
            Get a code
          </Button>
        </div>
      )}
    </form>
  );
}
