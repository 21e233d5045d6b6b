// A file out of our own store. Only kinds that a browser shows without running anything are shown; the rest is saved.
import { useEffect, useState } from "preact/hooks";
import { ask, type Schemas } from "../api/client";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { bytes } from "./Time";
import { short } from "../words";

type Message = Schemas["Message"];

const PICTURES = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);
const PLAYED = /^(audio|video)\/[\w.+-]+$/;
/** What comes by itself; larger files come when somebody wants them. */
const BY_ITSELF = 4_000_000;

export function File({ message }: { message: Message }) {
  const mime = (message.mimeType ?? "").split(";")[0]!.trim().toLowerCase();
  const picture = (message.type === "image" || message.type === "sticker") && PICTURES.has(mime);
  const plays = (message.type === "audio" || message.type === "video") && PLAYED.test(mime);
  const [url, setUrl] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const [large, setLarge] = useState(false);
  const ready = message.mediaStatus === "stored" && message.mediaId;
  const load = async () => {
    const blob = await (await ask("GET", `v1/media/${message.mediaId}`, { accept: "*/*" })).blob();
    // Named anew: what the page shows it as is ours to say, not the file's.
    return URL.createObjectURL(new Blob([blob], { type: picture || plays ? mime : "application/octet-stream" }));
  };
  const wanted = Boolean(ready) && (picture || message.type === "audio") && (message.sizeBytes ?? 0) <= BY_ITSELF;
  useEffect(() => {
    if (!wanted) return;
    let made: string | null = null;
    let over = false;
    load().then(
      (address) => (over ? URL.revokeObjectURL(address) : setUrl((made = address))),
      () => setFailed(true),
    );
    return () => {
      over = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [message.mediaId, wanted]);
  const save = async () => {
    const address = url ?? (await load());
    const link = document.createElement("a");
    link.href = address;
    link.download = message.fileName ?? `${message.type}-${message.messageId}`;
    link.click();
    if (!url) setTimeout(() => URL.revokeObjectURL(address), 60_000);
  };
  if (!ready) return <p class="faint">{message.mediaStatus === "failed" ? `The file could not be fetched${message.mediaReason ? `: ${message.mediaReason}` : ""}.` : "The file is on its way."}</p>;
  if (picture && !failed && wanted) {
    const name = message.caption ?? message.fileName ?? "Picture";
    const image = (label: string) => <img src={url!} alt={label} width={message.width} height={message.height} onError={() => setFailed(true)} />;
    return (
      <div class={`shown ${message.type}`}>
        {url ? (
          <button class="enlarge" aria-label={`Enlarge: ${name}`} onClick={() => setLarge(true)}>
            {image(name)}
          </button>
        ) : (
          <span class="away">Loading</span>
        )}
        {large && (
          <Dialog title={name} wide onClose={() => setLarge(false)}>
            <div class="large">{image(name)}</div>
            <div class="row end">
              <Button onPress={save}>Save</Button>
            </div>
          </Dialog>
        )}
      </div>
    );
  }
  if (plays && url && !failed) {
    if (message.type === "video") return <video controls src={url} width={message.width} height={message.height} onError={() => setFailed(true)} />;
    return (
      <figure class="sound">
        <figcaption class="faint">
          {message.voice ? "Voice note" : (message.fileName ?? "Audio")}
          {message.durationSeconds ? `, ${message.durationSeconds} s` : ""}
        </figcaption>
        <audio controls src={url} onError={() => setFailed(true)} />
      </figure>
    );
  }
  return (
    <div class="file">
      <Icon name="file" />
      <span class="grow">
        <span class="file-name">{message.fileName ?? short(message)}</span>
        <span class="faint">
          {message.sizeBytes !== undefined && bytes(message.sizeBytes)} {mime}
        </span>
      </span>
      {plays && !url && <Button size="small" icon="play" label="Play" onPress={async () => setUrl(await load())} />}
      <Button size="small" onPress={save}>
        Save
      </Button>
    </div>
  );
}
