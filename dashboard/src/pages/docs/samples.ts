// An operation's request as one would write it at a terminal, in JavaScript and in Python.
import { root } from "../../api/client";
import { exampleOf, type Operation } from "../../api/document";

export const LANGUAGES = ["curl", "JavaScript", "Python"] as const;
export type Language = (typeof LANGUAGES)[number];

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const indented = (text: string, by: string) => text.replaceAll("\n", `\n${by}`);

/** Python spells three words of JSON in its own way; only where they are values, not in texts. */
const python = (value: unknown) =>
  JSON.stringify(value, null, 4).replace(/("(?:[^"\\]|\\.)*")|\b(true|false|null)\b/g, (_, text: string | undefined, word: string) => text ?? { true: "True", false: "False", null: "None" }[word]!);

/** The address with what its path and query need; what may be left out is left out. */
function url(operation: Operation) {
  const path = operation.path.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const example = operation.parameters?.find((one) => one.in === "path" && one.name === name)?.example;
    return example === undefined ? whole : encodeURIComponent(String(example));
  });
  const query = new URLSearchParams();
  for (const one of operation.parameters ?? []) {
    if (one.in === "query" && one.required) query.set(one.name, String(one.example ?? (one.name === "sessionId" ? "ses_…" : "…")));
  }
  return root.href.replace(/\/$/, "") + path + (query.size ? `?${query}` : "");
}

export function sample(language: Language, operation: Operation) {
  const needsKey = operation.security?.length !== 0;
  const body = exampleOf(operation.requestBody?.content["application/json"]);
  const isFile = body === undefined && Boolean(operation.requestBody?.content["application/octet-stream"]);
  const address = url(operation);
  const { method } = operation;
  if (language === "curl") {
    const lines = [`curl${method === "GET" ? "" : ` -X ${method}`} ${quoted(address)}`];
    if (needsKey) lines.push('-H "Authorization: Bearer $KEY"');
    if (isFile) lines.push("-H 'Content-Type: application/octet-stream'", "--data-binary @file");
    if (body !== undefined) lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body, null, 2))}`);
    return lines.join(" \\\n  ");
  }
  if (language === "JavaScript") {
    const headers = [needsKey && "Authorization: `Bearer ${process.env.KEY}`", body !== undefined && '"Content-Type": "application/json"', isFile && '"Content-Type": "application/octet-stream"'].filter(Boolean).join(", ");
    const sent = body !== undefined ? `\n  body: JSON.stringify(${indented(JSON.stringify(body, null, 2), "  ")}),` : isFile ? '\n  body: await readFile("file"),' : "";
    const before = isFile ? 'import { readFile } from "node:fs/promises";\n\n' : "";
    return `${before}const response = await fetch("${address}", {\n  method: "${method}",${headers && `\n  headers: { ${headers} },`}${sent}\n});\nconst { data, error } = await response.json();\nif (error) throw new Error(\`\${error.code}: \${error.message}\`);\nconsole.log(data);`;
  }
  const headers = [needsKey && `"Authorization": f"Bearer {os.environ['KEY']}"`, isFile && '"Content-Type": "application/octet-stream"'].filter(Boolean).join(", ");
  const sent = body !== undefined ? `\n    json=${indented(python(body), "    ")},` : isFile ? '\n    data=open("file", "rb"),' : "";
  return `import os\nimport requests\n\nanswer = requests.${method.toLowerCase()}(\n    "${address}",${headers && `\n    headers={${headers}},`}${sent}\n).json()\nif not answer["success"]:\n    raise RuntimeError(answer["error"]["code"])\nprint(answer.get("data"))`;
}
