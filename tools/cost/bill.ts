import type { Price, Tier } from "../../src/prices/price-list.ts";

export type Kind = "plan" | "requests" | "logs" | "storage" | "traffic";

export interface LineItem {
  readonly kind: Kind;
  readonly what: string;
  readonly quantity: number;
  /** What of it is free, by an allowance or a credit. */
  readonly included: number;
  readonly price: Price;
  /** Rounded to whole cents. */
  readonly dollars: number;
}

export interface Bill {
  readonly items: readonly LineItem[];
  /** What the plan's limits exclude; with any of these the bill cannot be had. */
  readonly obstacles: readonly string[];
  /** What the amounts do not say. */
  readonly notes: readonly string[];
  /** The items' sum; undefined where there are obstacles. */
  readonly totalDollars: number | undefined;
}

interface ChargeOptions {
  /** Instead of the price's own name. */
  readonly what?: string;
  /** Instead of the price's own allowance, where that depends on something else. */
  readonly included?: number;
  /** So much more is paid for by something else. An allowance moves the tiers; this leaves them where they are. */
  readonly credit?: number;
}

/** What `quantity` costs beyond its allowance and credit; within it, an item of $0.00. */
export function charge(
  kind: Kind,
  price: Price,
  quantity: number,
  { what = price.what, included = price.included, credit = 0 }: ChargeOptions = {},
): LineItem {
  const beyond = Math.max(0, quantity - included);
  const billed = price.isRoundedUp ? Math.ceil(beyond / price.per) * price.per : beyond;
  const paidFor = sumOfTiers(Math.min(billed, credit), price.tiers);
  const dollars = roundToCents((sumOfTiers(billed, price.tiers) - paidFor) / price.per);
  return { kind, what, quantity, included: included + credit, price, dollars };
}

function sumOfTiers(billed: number, tiers: readonly Tier[]): number {
  let sum = 0;
  let start = 0;
  for (const { upTo, dollars } of tiers) {
    sum += Math.max(0, Math.min(billed, upTo) - start) * dollars;
    start = upTo;
  }
  return sum;
}

/** Half a cent goes up. Twelve digits, since 1.005 is a little less than that in binary. */
export function roundToCents(dollars: number): number {
  return Math.round(Number((dollars * 100).toPrecision(12))) / 100;
}

export function createBill(
  items: readonly LineItem[],
  obstacles: readonly string[] = [],
  notes: readonly string[] = [],
): Bill {
  const totalDollars = obstacles.length > 0 ? undefined : sumDollars(items);
  return { items, obstacles, notes, totalDollars };
}

/** In whole cents, so that a printed bill adds up. */
export function sumDollars(items: readonly LineItem[]): number {
  return items.reduce((cents, { dollars }) => cents + Math.round(dollars * 100), 0) / 100;
}
