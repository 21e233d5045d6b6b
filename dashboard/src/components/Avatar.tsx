// A person or a thing without a picture: initials on a colour that stays the same.
export function Avatar({ name, small }: { name: string; small?: boolean }) {
  const letters = initials(name);
  let sum = 0;
  for (const sign of name) sum = (sum * 31 + sign.codePointAt(0)!) % 9973;
  return (
    <span class={`avatar hue-${sum % 8} ${small ? "small" : ""}`} aria-hidden="true">
      {letters}
    </span>
  );
}

function initials(name: string) {
  const words = name.trim().split(/\s+/);
  if (/^\+?\d/.test(name)) return name.slice(-2);
  return [...(words[0] ?? "?")].slice(0, 1).concat(words.length > 1 ? [...words[words.length - 1]!].slice(0, 1) : []).join("").toUpperCase();
}
