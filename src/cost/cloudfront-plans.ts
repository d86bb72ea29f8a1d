/** A CloudFront plan at one price a month, without charges for what goes beyond. */
export interface FlatPlan {
  readonly name: string;
  readonly dollars: number;
  readonly requests: number;
  readonly gib: number;
}

const GIB_PER_TIB = 1024;
const MILLION = 1_000_000;

function plan(name: string, dollars: number, millions: number, tib: number): FlatPlan {
  return { name, dollars, requests: millions * MILLION, gib: tib * GIB_PER_TIB };
}

/** As api-evangelist/cloudfront read them on 2026-09-05, the cheapest first. */
const FLAT_PLANS: readonly FlatPlan[] = [
  plan("Free", 0, 1, 100 / GIB_PER_TIB),
  plan("Pro", 15, 10, 50),
  plan("Business", 200, 125, 50),
  plan("Premium", 1000, 500, 50),
  plan("Premium", 1450, 750, 75),
  plan("Premium", 2250, 1250, 125),
  plan("Premium", 3500, 2000, 200),
  plan("Premium", 6000, 3500, 350),
  plan("Premium", 10_000, 6000, 600),
];

/** The cheapest plan that covers a month; undefined where none does. */
export function findFlatPlan(requests: number, gib: number): FlatPlan | undefined {
  return FLAT_PLANS.find((candidate) => requests <= candidate.requests && gib <= candidate.gib);
}
