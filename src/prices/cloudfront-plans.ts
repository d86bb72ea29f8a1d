/** A CloudFront plan at a fixed price a month. Amazon does not bill usage beyond the plan. */
export interface FlatPlan {
  readonly name: string;
  readonly dollars: number;
  readonly requests: number;
  readonly gib: number;
  /** S3 Standard storage that the plan pays for. It need not be behind CloudFront. */
  readonly s3CreditGib: number;
}

const GIB_PER_TIB = 1024;
const MILLION = 1_000_000;

/**
 * Returns one level of the Premium plan. According to Amazon's guide, the levels
 * differ only in price, requests and traffic.
 */
function premium(dollars: number, millions: number, tib: number): FlatPlan {
  return {
    name: "Premium",
    dollars,
    requests: millions * MILLION,
    gib: tib * GIB_PER_TIB,
    s3CreditGib: 5 * GIB_PER_TIB,
  };
}

/**
 * All flat-rate plans, the cheapest first. Prices, requests and traffic are as
 * api-evangelist/cloudfront read them on 2026-09-05. The storage credits, "5 GB,
 * 50 GB, 1 TB, 5 TB", are from an undated copy of Amazon's guide,
 * docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/flat-rate-pricing-plan.html.
 */
export const FLAT_PLANS: readonly FlatPlan[] = [
  { name: "Free", dollars: 0, requests: MILLION, gib: 100, s3CreditGib: 5 },
  { name: "Pro", dollars: 15, requests: 10 * MILLION, gib: 50 * GIB_PER_TIB, s3CreditGib: 50 },
  {
    name: "Business",
    dollars: 200,
    requests: 125 * MILLION,
    gib: 50 * GIB_PER_TIB,
    s3CreditGib: GIB_PER_TIB,
  },
  premium(1000, 500, 50),
  premium(1450, 750, 75),
  premium(2250, 1250, 125),
  premium(3500, 2000, 200),
  premium(6000, 3500, 350),
  premium(10_000, 6000, 600),
];

/** Returns the cheapest plan that covers a month, or `undefined` if no plan does. */
export function findFlatPlan(requests: number, gib: number): FlatPlan | undefined {
  return FLAT_PLANS.find((candidate) => requests <= candidate.requests && gib <= candidate.gib);
}
