import { formatQuantity } from "./format-quantity.ts";
import type { Usage } from "./usage.ts";

const SECONDS_PER_DAY = 86_400;
/** How far a busy hour lies above the average: a team works eight hours of 24, and its CI starts at once. */
const PEAK_FACTOR = 5;
/** What a new account may ask; beyond it B2 answers 503. */
const B2_REQUESTS_PER_SECOND = 500;

/** Says so where a busy hour of so many requests a month is more than B2 takes. */
export function b2PeakNotes(monthly: number, { days }: Usage): readonly string[] {
  const peak = (monthly / (days * SECONDS_PER_DAY)) * PEAK_FACTOR;
  if (peak <= B2_REQUESTS_PER_SECOND) return [];
  const perSecond = formatQuantity(Math.ceil(peak));
  return [
    `${perSecond} bucket requests a second in a busy hour; B2 begins to refuse at ${B2_REQUESTS_PER_SECOND}`,
  ];
}
