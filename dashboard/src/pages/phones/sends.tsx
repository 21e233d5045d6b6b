// What a person sends by a pretend phone.
import { useRef, useState } from "preact/hooks";
import { control } from "../../api/sandbox";
import { Button } from "../../components/Button";
import { Field, typed } from "../../components/Field";
import { report, tell } from "../../components/Problem";

const KINDS = { text: "a text", image: "a picture", file: "a file of yours", location: "a place", contact: "a contact card", poll: "a poll", call: "a call" };
type Kind = keyof typeof KINDS;

const base64 = async (blob: Blob) => {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
};

/** A view of the harbour, for want of a camera. */
async function drawn(): Promise<Blob> {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [480, 320];
  const pen = canvas.getContext("2d")!;
  const fill = (colour: string, ...box: [number, number, number, number]) => ((pen.fillStyle = colour), pen.fillRect(...box));
  fill("#cfe8f0", 0, 0, 480, 200);
  fill("#2f7f93", 0, 200, 480, 120);
  fill("#6d4c35", 40, 205, 240, 20);
  for (const x of [60, 150, 240]) fill("#6d4c35", x, 220, 14, 80);
  pen.fillStyle = "#f4c95d";
  pen.beginPath();
  pen.arc(60 + Math.random() * 360, 70, 34, 0, 7);
  pen.fill();
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("This browser draws no pictures"))), "image/jpeg", 0.85));
}

async function bodyOf(kind: Exclude<Kind, "call">, words: string, file: File | null): Promise<Record<string, unknown>> {
  switch (kind) {
    case "text":
      return { text: words };
    case "location":
      return { type: "location", latitude: 54.3233, longitude: 10.1394, name: words || "The quay" };
    case "contact":
      return { type: "contact", name: words || "Anna", phone: "15550002001" };
    case "poll": {
      const [question, ...options] = words.split("/").map((part) => part.trim());
      return { type: "poll", question: question || "Coffee?", options: options.length > 1 ? options : ["Yes", "No"] };
    }
    case "image":
      return { type: "image", mimeType: "image/jpeg", data: await base64(await drawn()), ...(words && { caption: words }) };
    case "file": {
      if (!file) throw new Error("Choose a file first");
      const type = (["image", "video", "audio"] as const).find((one) => file.type.startsWith(`${one}/`)) ?? "document";
      return { type, mimeType: file.type || "application/octet-stream", fileName: file.name, data: await base64(file), ...(type === "audio" ? { voice: file.type.includes("ogg") } : words && { caption: words }) };
    }
  }
}

export function Sends({ of, to: first, onSent }: { of: string; to: string; onSent: () => void }) {
  const [to, setTo] = useState(first);
  const [kind, setKind] = useState<Kind>("text");
  const [words, setWords] = useState("");
  const [busy, setBusy] = useState(false);
  const file = useRef<File | null>(null);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (kind === "text" && !words.trim()) return;
    setBusy(true);
    try {
      if (kind === "call") {
        await control("POST", `/phones/${of}/call`, { to, ringMs: 10_000 });
        tell("It rings for ten seconds");
      } else await control("POST", `/phones/${of}/send`, { to, ...(await bodyOf(kind, words, file.current)) });
      setWords("");
      onSent();
    } catch (refused) {
      report(refused);
    }
    setBusy(false);
  };
  return (
    <form class="stack tight" onSubmit={send}>
      <div class="filters">
        <Field label="To">
          <input value={to} onInput={typed(setTo)} />
        </Field>
        <Field label="What">
          <select value={kind} onChange={typed((value) => setKind(value as Kind))}>
            {Object.entries(KINDS).map(([name, shown]) => (
              <option value={name}>{shown}</option>
            ))}
          </select>
        </Field>
        {kind === "file" && (
          <Field label="File">
            <input type="file" onChange={(event: { currentTarget: HTMLInputElement }) => (file.current = event.currentTarget.files?.[0] ?? null)} />
          </Field>
        )}
        {kind !== "call" && (
          <Field label={kind === "poll" ? "Question / options" : kind === "location" || kind === "contact" ? "Name" : kind === "text" ? "Text" : "Caption"}>
            <input placeholder={kind === "poll" ? "Coffee? / Yes / No" : ""} value={words} onInput={typed(setWords)} />
          </Field>
        )}
        <Button type="submit" kind="main" icon="send" busy={busy}>
          {kind === "call" ? "Ring" : "Write"}
        </Button>
      </div>
    </form>
  );
}
