// Where one writes: text, and files by choice, paste or drag and drop.
import { useRef, useState } from "preact/hooks";
import { ask, post, Refused, type Schemas } from "../api/client";
import { Avatar } from "./Avatar";
import { Button } from "./Button";
import { typed } from "./Field";
import { Icon } from "./Icon";
import { Problem } from "./Problem";
import { bytes } from "./Time";

type Message = Schemas["Message"];

export interface Done {
  requests: { method: string; path: string; body?: unknown }[];
}

interface Props {
  session: Schemas["Session"];
  to: string;
  reply: Message | null;
  onReply: () => void;
  onSent: (message: Message, done: Done) => void;
  onFailed: () => void;
}

const KINDS: [RegExp, Schemas["MediaKind"]][] = [
  [/^image\/(jpeg|png|webp)$/, "image"],
  [/^video\/(mp4|3gpp)$/, "video"],
  [/^audio\/(ogg|mpeg|mp4|aac|amr)/, "audio"],
];

export function Composer({ session, to, reply, onReply, onSent, onFailed }: Props) {
  const [text, setText] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [over, setOver] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const chooser = useRef<HTMLInputElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);

  const send = async () => {
    if (busy || (!file && !text.trim())) return;
    setBusy(true);
    setProblem(null);
    const base = { sessionId: session.sessionId, to, ...(reply && { replyTo: reply.messageId }) };
    try {
      if (file) {
        const mediaType = KINDS.find(([kind]) => kind.test(file.type))?.[1] ?? "document";
        const stored = ((await (await ask("POST", "v1/media", { file, once: true, query: { mediaType, fileName: file.name } })).json()) as { data: Schemas["Media"] }).data;
        const body = { ...base, mediaType, mediaId: stored.mediaId, ...(mediaType === "document" && { fileName: file.name }), ...(text.trim() && mediaType !== "audio" && { caption: text }) };
        onSent(await post<Message>("v1/messages/media", body), { requests: [{ method: "POST", path: "v1/messages/media", body }] });
      } else {
        const body = { ...base, text };
        onSent(await post<Message>("v1/messages/text", body), { requests: [{ method: "POST", path: "v1/messages/text", body }] });
      }
      setText("");
      setFile(null);
      onReply();
    } catch (refused) {
      setProblem(refused);
      if (refused instanceof Refused && refused.details.messageId) onFailed();
    }
    setBusy(false);
    area.current?.focus();
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const dropped = event.dataTransfer?.files[0];
    if (dropped) setFile(dropped);
  };
  return (
    <form
      class={`composer ${over ? "over" : ""}`}
      onSubmit={(event) => (event.preventDefault(), void send())}
      onDragOver={(event) => (event.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Problem of={problem} />
      {reply && (
        <div class="attached">
          <Icon name="reply" />
          <span class="grow">{reply.text ?? reply.caption ?? reply.type}</span>
          <Button size="small" icon="close" kind="plain" label="Do not reply" onPress={onReply} />
        </div>
      )}
      {file && (
        <div class="attached">
          <Avatar name={file.name} small />
          <span class="grow">
            {file.name} <span class="faint">{bytes(file.size)}</span>
          </span>
          <Button size="small" icon="close" kind="plain" label="Leave the file out" onPress={() => setFile(null)} />
        </div>
      )}
      <div class="composer-line">
        <input ref={chooser} type="file" class="away" tabIndex={-1} aria-label="Choose a file" onChange={(event) => (setFile(event.currentTarget.files?.[0] ?? null), (event.currentTarget.value = ""))} />
        <Button icon="clip" label="Attach a file" kind="plain" onPress={() => chooser.current?.click()} />
        <textarea
          ref={area}
          rows={1}
          aria-label="Message"
          placeholder={over ? "Drop it here" : file ? "Add a caption" : "Message, or drop a file"}
          value={text}
          onInput={typed(setText)}
          onPaste={(event) => {
            const pasted = event.clipboardData?.files[0];
            if (pasted) setFile(pasted);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
              event.preventDefault();
              void send();
            }
          }}
        />
        <Button type="submit" kind="main" icon="send" label="Send" busy={busy} disabled={!file && !text.trim()} />
      </div>
    </form>
  );
}
