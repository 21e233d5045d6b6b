// Somebody's words, in which addresses of the web can be followed. Nothing else in them is anything but text.
const ADDRESS = /(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/g;

export function Linked({ text }: { text: string }) {
  return (
    <>
      {text.split(ADDRESS).map((part, at) =>
        at % 2 ? (
          <a href={part} target="_blank" rel="noopener noreferrer">
            {part}
          </a>
        ) : (
          part
        ),
      )}
    </>
  );
}
