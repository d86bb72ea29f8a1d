import { type Bill, type Kind, type LineItem, sumDollars } from "./bill.ts";
import { formatDollars, formatQuantity, formatRate } from "./format-prices.ts";

const KINDS: readonly Kind[] = ["plan", "requests", "logs", "storage", "traffic"];

/** A line a provider: what each kind of item comes to, and the whole. */
export function formatSummary(bills: readonly (readonly [string, Bill])[]): string {
  const rows = bills.map(([name, bill]) =>
    bill.totalDollars === undefined
      ? { cells: [name], rest: `not possible: ${bill.obstacles.join("; ")}` }
      : {
          cells: [
            name,
            ...KINDS.map((kind) => formatDollars(sumDollars(itemsOf(bill, kind)))),
            formatDollars(bill.totalDollars),
          ],
        },
  );
  return alignColumns([{ cells: ["", ...KINDS, "a month"] }, ...rows]);
}

function itemsOf({ items }: Bill, wanted: Kind): readonly LineItem[] {
  return items.filter(({ kind }) => kind === wanted);
}

/** Every item of one bill: how much of what, what of it is free, and at which price the rest is billed. */
export function formatBill(name: string, bill: Bill): string {
  const rows = bill.items.map(({ what, quantity, included, price, dollars }) => ({
    cells: [
      what,
      `${formatQuantity(quantity)} ${price.unit}`,
      included > 0 ? `${formatQuantity(included)} free` : "",
      formatRate(price),
      formatDollars(dollars),
    ],
  }));
  const total = bill.totalDollars === undefined ? "not possible" : formatDollars(bill.totalDollars);
  const table = alignColumns([{ cells: [name] }, ...rows, { cells: ["total", "", "", "", total] }]);
  const remarks = [...bill.obstacles.map((obstacle) => `not possible: ${obstacle}`), ...bill.notes];
  return [table, ...remarks.map((remark) => `  ${remark}\n`)].join("");
}

interface Row {
  readonly cells: readonly string[];
  /** Text behind the last cell that takes no part in the columns. */
  readonly rest?: string;
}

/** The first column to the left, the others to the right. */
function alignColumns(rows: readonly Row[]): string {
  const widths: number[] = [];
  for (const { cells } of rows) {
    for (const [column, cell] of cells.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  const lines = rows.map(({ cells, rest }) => {
    const aligned = cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    return [...aligned, ...(rest === undefined ? [] : [rest])].join("  ").trimEnd();
  });
  return `${lines.join("\n")}\n`;
}

/** The same for a program; `rate` is the text of the table. */
export function toJson(bill: Bill) {
  return {
    totalDollars: bill.totalDollars ?? null,
    obstacles: bill.obstacles,
    notes: bill.notes,
    items: bill.items.map(({ kind, what, quantity, included, price, dollars }) => ({
      kind,
      what,
      quantity,
      unit: price.unit,
      included,
      rate: formatRate(price),
      dollars,
    })),
  };
}
