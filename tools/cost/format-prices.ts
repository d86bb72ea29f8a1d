import type { FlatPlan } from "../../src/prices/cloudfront-plans.ts";
import type { Price, Tier } from "../../src/prices/price-list.ts";

/** Formats a quantity, as in `1,234,567`, `12.3` or `0.5`: at most two decimals, and none from 100 on. */
export function formatQuantity(quantity: number): string {
  return quantity.toLocaleString("en-US", { maximumFractionDigits: quantity < 100 ? 2 : 0 });
}

/** Formats an amount, as in `$1,234.50`. */
export function formatDollars(dollars: number): string {
  return dollars.toLocaleString("en-US", {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
  });
}

/** Formats a price for a bill, as in `$0.30 a million`, `$0.023 to $0.021 a GiB-month` or `free`. */
export function formatRate(price: Price): string {
  const [first, ...others] = price.tiers;
  if (first.dollars === 0) return "free";
  const last = others.at(-1);
  const range = last === undefined ? "" : ` to ${formatAmount(last)}`;
  return `${formatAmount(first)}${range} a ${formatUnit(price)}`;
}

/**
 * Formats all tiers of a price, as in `$0.085 a GiB up to 10,240, $0.08 up to
 * 51,200, $0.02 beyond`. A price with one tier is formatted as in a bill.
 */
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

/** Formats the price table of docs/cost.md, in Markdown. */
export function formatPrices(prices: readonly Price[]): string {
  const rows = prices.map((price) => {
    const { provider, what, included, unit, source, asOf, reportedBy, isRoundedUp, note } = price;
    const by = reportedBy === undefined ? "" : `, as reported by ${reportedBy}`;
    const remarks = [
      ...(isRoundedUp ? ["a started unit is billed in full"] : []),
      ...(note === undefined ? [] : [note]),
    ];
    const free = included > 0 ? `${formatQuantity(included)} ${unit}` : "";
    return `| ${provider} | ${what} | ${formatTiers(price)} | ${free} | ${remarks.join("; ")} | [${asOf}](${source})${by} |`;
  });
  return [
    "| Provider | Item | Price | Free a month | Notes | As of |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

/** Formats the table of CloudFront's flat-rate plans in docs/cost.md, in Markdown. */
export function formatFlatPlans(plans: readonly FlatPlan[]): string {
  const rows = plans.map(({ name, dollars, requests, gib, s3CreditGib }) => {
    const [ofRequests, ofGib, ofStorage] = [requests, gib, s3CreditGib].map(formatQuantity);
    return `| ${name} | ${formatDollars(dollars)} | ${ofRequests} | ${ofGib} GiB | ${ofStorage} GiB |`;
  });
  return [
    "| CloudFront's flat-rate plan | Price a month | Requests | Traffic | S3 Standard storage |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
