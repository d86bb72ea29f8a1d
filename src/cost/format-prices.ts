import { formatDollars, formatQuantity } from "./format-quantity.ts";
import type { Price } from "./prices.ts";

/** `$0.30 a million`, `$0.085 to $0.03`, `free`. */
export function formatRate({ tiers, per, unit }: Price): string {
  const amounts = tiers.map(({ dollars }) =>
    dollars < 0.1 ? `$${dollars}` : formatDollars(dollars),
  );
  const [first = "", ...others] = amounts;
  if (first === "$0") return "free";
  const last = others.at(-1);
  const range = last === undefined ? first : `${first} to ${last}`;
  return `${range} a ${per === 1 ? unit : "million"}`;
}

/** The price table of docs/cost.md, in Markdown. */
export function formatPrices(prices: readonly Price[]): string {
  const rows = prices.map((price) => {
    const { provider, what, included, unit, source, asOf, reportedBy, isRoundedUp, note } = price;
    const by = reportedBy === undefined ? "" : `, as reported by ${reportedBy}`;
    const remarks = [
      ...(isRoundedUp ? ["begun units count whole"] : []),
      ...(note === undefined ? [] : [note]),
    ];
    const free = included > 0 ? `${formatQuantity(included)} ${unit}` : "";
    return `| ${provider} | ${what} | ${formatRate(price)} | ${free} | ${remarks.join("; ")} | [${asOf}](${source})${by} |`;
  });
  return [
    "| | What | Price | Free a month | | As of |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
