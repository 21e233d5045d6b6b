// A value as TypeScript: keys without quotes where they need none, what fits in a line in one line.
const WIDTH = 160;

export function source(value, indent = "") {
  const short = inLine(value);
  if (indent.length + short.length <= WIDTH || typeof value !== "object" || value === null) return short;
  const deeper = `${indent}  `;
  const [open, parts, close] = Array.isArray(value)
    ? ["[", value.map((one) => source(one, deeper)), "]"]
    : ["{", Object.entries(value).map(([key, one]) => `${name(key)}: ${source(one, deeper)}`), "}"];
  return `${open}\n${parts.map((part) => `${deeper}${part},\n`).join("")}${indent}${close}`;
}

function inLine(value) {
  if (Array.isArray(value)) return `[${value.map(inLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, one]) => `${name(key)}: ${inLine(one)}`);
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}

const name = (key) => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key));
