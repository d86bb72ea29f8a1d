import type { FlatPlan } from "../../src/prices/cloudfront-plans.ts";
import type { Price, Tier } from "../../src/prices/price-list.ts";

/** `1,234,567`, `0.5`, `12.3`: two decimals at most, and none where they say nothing. */
export function formatQuantity(quantity: number): string {
  return quantity.toLocaleString("en-US", { maximumFractionDigits: quantity < 100 ? 2 : 0 });
}

export function formatDollars(dollars: number): string {
  return dollars.toLocaleString("en-US", {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
  });
}

/** `$0.30 a million`, `$0.085 to $0.03`, `free`. */
export function formatRate(price: Price): string {
  const [first, ...others] = price.tiers;
  if (first.dollars === 0) return "free";
  const last = others.at(-1);
  const range = last === undefined ? "" : ` to ${formatAmount(last)}`;
  return `${formatAmount(first)}${range} a ${formatUnit(price)}`;
}

/** `$0.085 a GiB up to 10,240, $0.08 up to 51,200, $0.02 beyond`; a price of one tier as in a bill. */
function formatTiers(price: Price): string {
  const [first, ...others] = price.tiers;
  if (others.length === 0) return formatRate(price);
  return [
    `${formatAmount(first)} a ${formatUnit(price)} ${formatEnd(first)}`,
    ...others.map((tier) => `${formatAmount(tier)} ${formatEnd(tier)}`),
  ].join(", ");
}

function formatAmount({ dollars }: Tier): string {
  return dollars < 0.1 ? `$${dollars}` : formatDollars(dollars);
}

function formatEnd({ upTo }: Tier): string {
  return upTo === Infinity ? "beyond" : `up to ${formatQuantity(upTo)}`;
}

function formatUnit({ per, unit }: Price): string {
  return per === 1 ? unit : "million";
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
    return `| ${provider} | ${what} | ${formatTiers(price)} | ${free} | ${remarks.join("; ")} | [${asOf}](${source})${by} |`;
  });
  return [
    "| | What | Price | Free a month | | As of |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

/** CloudFront's flat rates of docs/cost.md, in Markdown. */
export function formatFlatPlans(plans: readonly FlatPlan[]): string {
  const rows = plans.map(({ name, dollars, requests, gib, s3CreditGib }) => {
    const [ofRequests, ofGib, ofStorage] = [requests, gib, s3CreditGib].map(formatQuantity);
    return `| ${name} | ${formatDollars(dollars)} | ${ofRequests} | ${ofGib} GiB | ${ofStorage} GiB |`;
  });
  return [
    "| CloudFront's flat-rate plan | A month | Requests | Traffic | S3 Standard storage |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
