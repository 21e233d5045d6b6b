import type { ComponentChildren } from "preact";

export interface Column<T> {
  name: string;
  /** How the column is named where each row is a card of its own; nothing for columns that speak for themselves. */
  short?: string;
  kind?: "number" | "actions" | "nowrap";
  cell: (row: T) => ComponentChildren;
}

/** Rows and columns; on a narrow screen each row is a card. */
export function Table<T>({ caption, columns, rows, id }: { caption: string; columns: Column<T>[]; rows: T[]; id: (row: T) => string }) {
  return (
    <div class="table cards" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="away">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" class={column.kind}>
                {column.kind === "actions" ? <span class="away">{column.name}</span> : column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)}>
              {columns.map((column) => (
                <td class={column.kind} data-name={column.short}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
