// Bars of days, drawn by hand: readable in both themes, with a table for those who do not see them.
import { number, shortDayOf } from "./Time";

export function Bars({ name, days, tone = 1 }: { name: string; days: { date: string; value: number }[]; tone?: 1 | 2 | 3 }) {
  const top = Math.max(1, ...days.map((day) => day.value));
  const width = 100 / Math.max(days.length, 1);
  return (
    <figure class="chart">
      <svg viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">
        <line class="rule" x1="0" x2="100" y1="40" y2="40" />
        <line class="rule" x1="0" x2="100" y1="20" y2="20" />
        {days.map((day, place) => {
          const height = (day.value / top) * 39;
          return (
            <rect class={`bar-${tone}`} x={place * width + width * 0.12} width={width * 0.76} y={40 - Math.max(height, day.value ? 0.8 : 0)} height={Math.max(height, day.value ? 0.8 : 0)}>
              <title>{`${shortDayOf(day.date)}: ${number(day.value)}`}</title>
            </rect>
          );
        })}
      </svg>
      <div class="axis" aria-hidden="true">
        <span>{days[0] && shortDayOf(days[0].date)}</span>
        <span>most: {number(Math.max(0, ...days.map((day) => day.value)))}</span>
        <span>{days.length > 1 && shortDayOf(days[days.length - 1]!.date)}</span>
      </div>
      <table class="away">
        <caption>{name} of each day</caption>
        <tbody>
          {days.map((day) => (
            <tr>
              <th scope="row">{day.date}</th>
              <td>{day.value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

/** How much of a limit is used; what is not known yet is left open. */
export function Meter({ name, used, limit, show = number }: { name: string; used: number | undefined; limit: number | null | undefined; show?: (value: number) => string }) {
  const part = used !== undefined && limit ? Math.min(1, used / limit) : 0;
  const of = (value: number | undefined) => (value === undefined ? "…" : show(value));
  const words = `${of(used)} of ${limit === null ? "unlimited" : of(limit)}`;
  return (
    <div class={`meter ${part >= 1 ? "full" : part >= 0.8 ? "near" : ""}`}>
      <div class="row">
        <span>{name}</span>
        <span class="soft">{words}</span>
      </div>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label={`${name}: ${words}`}>
        <rect class="track" width="100" height="4" />
        <rect class="fill" width={part * 100} height="4" />
      </svg>
    </div>
  );
}
