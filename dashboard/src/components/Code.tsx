import { useState } from "preact/hooks";
import { root } from "../api/client";
import { Button } from "./Button";

async function copy(text: string) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Without TLS a browser has no clipboard for pages but this old one.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const press = async () => {
    await copy(text);
    setDone(true);
    setTimeout(() => setDone(false), 2_000);
  };
  return <Button size="small" kind="plain" icon={done ? "check" : "copy"} label={done ? "Copied" : label} onPress={press} />;
}

/** Text for machines, with a button that copies it. */
export function Code({ text, asIs, label = "Code" }: { text: string; asIs?: boolean; label?: string }) {
  return (
    <div class="code">
      <pre class={asIs ? "as-is" : ""} tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
      <Copy text={text} />
    </div>
  );
}

/** Something that is shown once. */
export function Secret({ text, label }: { text: string; label: string }) {
  return (
    <div class="secret">
      <code data-secret>{text}</code>
      <Copy text={text} label={label} />
    </div>
  );
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A request that a page has made. */
export interface Did {
  method: string;
  path: string;
  body?: unknown;
  /** The name of the file whose bytes were sent. */
  file?: string;
}

/** The request that a page has made or would make, for a terminal. */
export function curl(method: string, path: string, body?: unknown, file?: string) {
  const lines = [`curl${method === "GET" ? "" : ` -X ${method}`} ${quoted(new URL(path, root).href)}`, '-H "Authorization: Bearer $KEY"'];
  if (body !== undefined) lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  if (file !== undefined) lines.push("-H 'Content-Type: application/octet-stream'", `--data-binary ${quoted(`@${file}`)}`);
  return lines.join(" \\\n  ");
}
