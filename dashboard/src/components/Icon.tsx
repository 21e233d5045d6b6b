// Line icons, drawn here: no font and no file is fetched for them.
const PATHS = {
  sessions: "M7 3h10a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM10 18h4",
  inbox: "M4 5h16v11H9l-5 4zM8 9h8M8 12h5",
  phones: "M4 4h7v16H4zM14 8h6v12h-6zM6.500 17h2M16 17.500h2",
  keys: "M14.500 9.500a4.500 4.500 0 1 0-4.300 4.490L12 16h2v2h2v2h4v-3l-5.700-5.700c.130-.420.200-.860.200-1.300zM9 9h.01",
  usage: "M4 20V10M10 20V4M16 20v-7M21 20H3",
  webhooks: "M9 8a3 3 0 1 1 4.500 2.600L16 15M8 13a3.500 3.500 0 1 0 3 5h6M17 21a3 3 0 1 0-2-5.200L11.500 9.500",
  events: "M3 12h4l3-8 4 16 3-8h4",
  operator: "M12 3l8 3v6c0 5-3.500 8-8 9-4.500-1-8-4-8-9V6zM9 12l2 2 4-4",
  book: "M5 4h6a2 2 0 0 1 1 1 2 2 0 0 1 1-1h6v15h-6a2 2 0 0 0-1 1 2 2 0 0 0-1-1H5zM12 5v15",
  start: "M5 12l14-8-5 16-3-7z",
  people: "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 20c0-3.500 3-6 6.500-6s6.500 2.500 6.500 6M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.500c2.200.800 3.500 3 3.500 5.500",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  menu: "M4 7h16M4 12h16M4 17h16",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12.500l4.500 4.500L19 7",
  send: "M4 12l16-8-6 17-3-7z",
  clip: "M20 11l-8.500 8.500a5 5 0 0 1-7-7L13 4a3.500 3.500 0 0 1 5 5l-8.500 8.500a2 2 0 0 1-3-3L14 7",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600L19 19M19 5l-1.400 1.400M6.400 17.600L5 19",
  moon: "M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10z",
  out: "M14 4h5a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1h-5M10 8l-4 4 4 4M6 12h10",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  turn: "M20 5v5h-5M4 19v-5h5M19 10A8 8 0 0 0 5.500 6.500M5 14a8 8 0 0 0 13.500 3.500",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM20 20l-4-4",
  back: "M15 5l-7 7 7 7",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  reply: "M10 6L4 11l6 5v-3c5 0 8 1.500 10 5 0-6-3-9.500-10-9.500z",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8.500 14.500a4.500 4.500 0 0 0 7 0M9 9.500h.01M15 9.500h.01",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5M12 8h.01",
  pause: "M8 5v14M16 5v14",
  play: "M7 5l12 7-12 7z",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.500 2",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon-image" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
