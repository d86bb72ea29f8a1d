import { type Bill, type Kind, type LineItem, sumDollars } from "./bill.ts";
import { formatDollars, formatQuantity, formatRate } from "./format-prices.ts";

const KINDS: readonly Kind[] = ["plan", "requests", "logs", "storage", "traffic"];

/** Formats one line for each provider: the sum of each kind of item, and the total. */
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

/** Formats every item of a bill: its quantity, the free part, the price of the rest, and the cost. */
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
  /** Text after the last cell. It does not affect the width of the columns. */
  readonly rest?: string;
}

/** Aligns the first column to the left and the others to the right. */
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

/** Returns a bill as JSON for other programs. `rate` is the same text as in the table. */
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
