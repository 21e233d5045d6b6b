// Where one writes: text, and files by choice, paste or drag and drop.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, post, Refused, type Schemas } from "../api/client";
import { short } from "../words";
import { AskPoll } from "./AskPoll";
import { Avatar } from "./Avatar";
import { Button } from "./Button";
import type { Did } from "./Code";
import { typed } from "./Field";
import { Icon } from "./Icon";
import { Problem } from "./Problem";
import { bytes } from "./Time";

type Message = Schemas["Message"];

interface Props {
  session: Schemas["Session"];
  to: string;
  reply: Message | null;
  /** What was dropped anywhere on the chat. */
  dropped: File[];
  /** Something hangs over the chat and would be dropped there. */
  over: boolean;
  onReply: () => void;
  onSent: (message: Message, did: Did[]) => void;
  onFailed: () => void;
}

/** How many files go out by one press. */
const MOST = 10;

const KINDS: [RegExp, Schemas["MediaKind"]][] = [
  [/^image\/(jpeg|png|webp)$/, "image"],
  [/^video\/(mp4|3gpp)$/, "video"],
  [/^audio\/(ogg|mpeg|mp4|aac|amr)/, "audio"],
];

export function Composer({ session, to, reply, dropped, over, onReply, onSent, onFailed }: Props) {
  const [text, setText] = useState("");
  const [files, setFiles] = useState<File[]>([]);
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const chooser = useRef<HTMLInputElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const add = (more: Iterable<File>) => setFiles((before) => [...before, ...more].slice(0, MOST));
  useEffect(() => {
    add(dropped);
    if (dropped.length) area.current?.focus();
  }, [dropped]);
  useEffect(() => {
    if (reply) area.current?.focus();
  }, [reply]);

  const base = { sessionId: session.sessionId, to, ...(reply && { replyTo: reply.messageId }) };
  const sendFile = async (file: File, caption: string) => {
    const mediaType = KINDS.find(([kind]) => kind.test(file.type))?.[1] ?? "document";
    const query = { mediaType, fileName: file.name };
    const stored = ((await (await ask("POST", "v1/media", { file, once: true, query })).json()) as { data: Schemas["Media"] }).data;
    const body = { ...base, mediaType, mediaId: stored.mediaId, ...(mediaType === "document" && { fileName: file.name }), ...(caption && mediaType !== "audio" && mediaType !== "sticker" && { caption }) };
    const message = await post<Message>("v1/messages/media", body);
    onSent(message, [
      { method: "POST", path: `v1/media?${new URLSearchParams(query)}`, file: file.name },
      { method: "POST", path: "v1/messages/media", body },
    ]);
    return mediaType;
  };
  const send = async () => {
    if (busy || (files.length === 0 && !text.trim())) return;
    setBusy(true);
    setProblem(null);
    try {
      let words = text;
      for (const file of files) {
        // The words go with the first file that can carry them; what was sent is not sent again after a failure.
        const sentAs = await sendFile(file, words.trim());
        if (sentAs !== "audio") words = "";
        setText(words);
        setFiles((before) => before.filter((one) => one !== file));
      }
      if (words.trim()) {
        const body = { ...base, text: words };
        onSent(await post<Message>("v1/messages/text", body), [{ method: "POST", path: "v1/messages/text", body }]);
      }
      setText("");
      onReply();
    } catch (refused) {
      setProblem(refused);
      if (refused instanceof Refused && refused.details.messageId) onFailed();
    }
    setBusy(false);
    area.current?.focus();
  };
  return (
    <form class={`composer ${over ? "over" : ""}`} onSubmit={(event) => (event.preventDefault(), void send())}>
      <Problem of={problem} />
      {reply && (
        <div class="attached">
          <Icon name="reply" />
          <span class="grow">{short(reply)}</span>
          <Button size="small" icon="close" kind="plain" label="Do not reply" onPress={onReply} />
        </div>
      )}
      {files.map((file) => (
        <Attached key={`${file.name} ${file.size} ${file.lastModified}`} file={file} onDrop={() => setFiles((before) => before.filter((one) => one !== file))} />
      ))}
      <div class="composer-line">
        <input ref={chooser} type="file" multiple class="away" tabIndex={-1} aria-label="Choose a file" onChange={(event) => (add([...(event.currentTarget.files ?? [])]), (event.currentTarget.value = ""))} />
        <Button icon="clip" label="Attach a file" kind="plain" onPress={() => chooser.current?.click()} />
        <Button icon="usage" label="Ask a poll" kind="plain" onPress={() => setAsking(true)} />
        <textarea
          ref={area}
          rows={1}
          aria-label="Message"
          placeholder={over ? "Drop it here" : files.length ? "Add a caption" : "Message, or drop a file"}
          value={text}
          onInput={typed(setText)}
          onPaste={(event) => {
            if (event.clipboardData?.files.length) (event.preventDefault(), add([...event.clipboardData.files]));
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
              event.preventDefault();
              void send();
            }
          }}
        />
        <Button type="submit" kind="main" icon="send" label="Send" busy={busy} disabled={files.length === 0 && !text.trim()} />
      </div>
      {asking && <AskPoll base={base} onClose={() => setAsking(false)} onSent={onSent} />}
    </form>
  );
}

/** A file that waits to be sent; a picture shows itself. */
function Attached({ file, onDrop }: { file: File; onDrop: () => void }) {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!/^image\/(jpeg|png|webp|gif)$/.test(file.type)) return;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return (
    <div class="attached">
      {url ? <img class="thumb" src={url} alt="" width="40" height="40" /> : <Avatar name={file.name} small />}
      <span class="grow">
        {file.name} <span class="faint">{bytes(file.size)}</span>
      </span>
      <Button size="small" icon="close" kind="plain" label={`Leave ${file.name} out`} onPress={onDrop} />
    </div>
  );
}
