import type { Price, Tier } from "../../src/prices/price-list.ts";

/** The kinds of items, which are the columns of the summary. */
export type Kind = "plan" | "requests" | "logs" | "storage" | "traffic";

/** One item of a bill. */
export interface LineItem {
  readonly kind: Kind;
  readonly what: string;
  readonly quantity: number;
  /** The part of `quantity` that is free, by an allowance or a credit. */
  readonly included: number;
  readonly price: Price;
  /** Rounded to whole cents. */
  readonly dollars: number;
}

/** The bill of one month. */
export interface Bill {
  readonly items: readonly LineItem[];
  /** The limits of the plan that the month exceeds. If there are any, the plan cannot serve the month. */
  readonly obstacles: readonly string[];
  /** Remarks that the amounts do not show. */
  readonly notes: readonly string[];
  /** The sum of the items. `undefined` if there are obstacles. */
  readonly totalDollars: number | undefined;
}

interface ChargeOptions {
  /** The name of the item, if it differs from the price's name. */
  readonly what?: string;
  /** The free quantity, if it is not the fixed `included` of the price. */
  readonly included?: number;
  /**
   * Billed units that another plan pays for. An allowance shifts the tiers; a
   * credit does not.
   */
  readonly credit?: number;
}

/**
 * Returns the item for `quantity` units. Only units beyond the allowance and the
 * credit cost money; the item may be $0.00.
 */
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

/**
 * Rounds to whole cents; half a cent is rounded up. Rounds to twelve digits first,
 * because 1.005 in binary is slightly less than 1.005.
 */
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

/** Returns the sum of the items. Adds whole cents, so that the printed items add up to it. */
export function sumDollars(items: readonly LineItem[]): number {
  return items.reduce((cents, { dollars }) => cents + Math.round(dollars * 100), 0) / 100;
}
