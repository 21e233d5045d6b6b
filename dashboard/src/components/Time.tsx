// Times as the browser's language says them: how long ago, and the exact moment on hover.
import { signal } from "@preact/signals";

/** Moves with the minute, for all relative times at once. */
const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 15_000);

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const precise = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export function ago(at: string | number, from = now.value) {
  const seconds = (new Date(at).getTime() - from) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(0, "second");
}

export function Time({ at, as = "ago" }: { at: string | number; as?: "ago" | "clock" | "exact" | "precise" | "day" }) {
  const date = new Date(at);
  const format = { clock, exact, precise, day: shortDay };
  return (
    <time dateTime={date.toISOString()} title={exact.format(date)}>
      {as === "ago" ? ago(at) : format[as].format(date)}
    </time>
  );
}

/** How long something is, in its largest unit. */
export function span(seconds: number) {
  const [unit, size] = STEPS.find(([, size]) => seconds >= size) ?? (["second", 1] as const);
  return new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 }).format(Math.floor(seconds / size));
}

export const dayOf = (at: string | number) => day.format(new Date(at));
export const shortDayOf = (at: string | number) => shortDay.format(new Date(at));

const numbers = new Intl.NumberFormat();
export const number = (value: number) => numbers.format(value);

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
export function bytes(value: number) {
  let step = 0;
  while (value >= 1000 && step < 3) {
    value /= 1000;
    step += 1;
  }
  return new Intl.NumberFormat(undefined, { style: "unit", unit: UNITS[step], unitDisplay: "narrow", maximumFractionDigits: value < 10 && step > 0 ? 1 : 0 }).format(value);
}

/** A number as people write it; ids that are no number stay as they are. */
export const phone = (digits: string | undefined) => (digits && /^\d+$/.test(digits) ? `+${digits}` : (digits ?? ""));
