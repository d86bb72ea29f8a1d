/** A price for all billed units up to an amount. The last tier has no end. */
export interface Tier {
  readonly upTo: number;
  readonly dollars: number;
}

/** One price of a provider, and its source. */
export interface Price {
  readonly provider: "Cloudflare" | "Backblaze B2" | "Cloudflare R2" | "Amazon S3" | "CloudFront";
  readonly what: string;
  /**
   * Prices in US dollars for `per` units. The first tier begins after the free
   * amount. An Amazon bill shows this for traffic to the internet
   * (github.com/arriven/db1000n/issues/153): 100 GB "under the monthly global
   * free tier", then a whole 10,240 at $0.09 "beyond the global free tier" and
   * 40,960 at $0.085. CloudFront's bills have a similar line for the free amount,
   * so we assume that its tiers begin after it too. If the free TiB lay within
   * the first tier instead, 400 TB would be $46 cheaper.
   */
  readonly tiers: readonly [Tier, ...Tier[]];
  readonly per: number;
  readonly unit: string;
  /** Units that are free each month. If the amount is not fixed, `note` says so. */
  readonly included: number;
  /** Whether a part of `per` units is billed like `per` whole units. */
  readonly isRoundedUp: boolean;
  readonly source: string;
  /** Date of the copy of `source` that the price was taken from. */
  readonly asOf: string;
  /**
   * Who reported the price, if we had no copy of the page itself. Such a price is
   * less certain.
   */
  readonly reportedBy: string | undefined;
  readonly note: string | undefined;
}

export const MILLION = 1_000_000;
/** Gibibytes in a gigabyte. Amazon bills GiB (2^30 bytes); all other providers here bill GB (10^9 bytes). */
export const GIB_PER_GB = 1e9 / 2 ** 30;
const GIB_PER_TIB = 1024;

type Source = Pick<Price, "provider" | "source" | "asOf" | "reportedBy">;

const WORKERS: Source = {
  provider: "Cloudflare",
  source: "https://developers.cloudflare.com/workers/platform/pricing/",
  asOf: "July 2026",
  reportedBy: undefined,
};
const OBSERVABILITY: Source = {
  provider: "Cloudflare",
  source: "https://developers.cloudflare.com/observability/pricing/",
  asOf: "2026-10-02",
  reportedBy: undefined,
};
const R2: Source = {
  provider: "Cloudflare R2",
  source: "https://developers.cloudflare.com/r2/pricing/",
  asOf: "2026-10-01",
  reportedBy: undefined,
};
const B2: Source = {
  provider: "Backblaze B2",
  source: "https://www.backblaze.com/cloud-storage/pricing",
  asOf: "2026-10-01",
  reportedBy: "vdavid/cmdr",
};
const B2_TRAFFIC: Source = { ...B2, asOf: "2026-09-07", reportedBy: "robhunter/agentdeals" };
const S3: Source = {
  provider: "Amazon S3",
  source: "https://aws.amazon.com/s3/pricing/",
  asOf: "2026-09-25",
  reportedBy: "vdavid/cmdr",
};
const CLOUDFRONT: Source = {
  provider: "CloudFront",
  source: "https://aws.amazon.com/cloudfront/pricing/",
  asOf: "2026-08-16",
  reportedBy: "egresscost.com",
};
const CLOUDFRONT_FLAT: Source = {
  ...CLOUDFRONT,
  asOf: "2026-09-05",
  reportedBy: "api-evangelist/cloudfront",
};

type Terms = Partial<Pick<Price, "per" | "included" | "isRoundedUp" | "note">>;

function price(
  source: Source,
  what: string,
  dollars: number | readonly [Tier, ...Tier[]],
  unit: string,
  { per = 1, included = 0, isRoundedUp = false, note }: Terms = {},
): Price {
  const tiers: Price["tiers"] =
    typeof dollars === "number" ? [{ upTo: Infinity, dollars }] : dollars;
  return { ...source, what, tiers, per, unit, included, isRoundedUp, note };
}

/** All prices, with their sources. In US dollars, without taxes. */
export const PRICES = {
  workersPaid: price(WORKERS, "Workers Paid", 5, "month"),
  workersRequests: price(WORKERS, "Workers requests", 0.3, "requests", {
    per: MILLION,
    included: 10 * MILLION,
    note: "with Workers Cache, Cloudflare also bills the inner request, on a hit and on a miss",
  }),
  workersCpu: price(WORKERS, "Workers CPU", 0.02, "ms", { per: MILLION, included: 30 * MILLION }),
  workersFree: price(WORKERS, "Workers Free", 0, "requests", {
    note: "100,000 requests a day, with 10 ms of CPU each; requests beyond these limits fail",
  }),
  traffic: price(WORKERS, "Workers traffic to clients", 0, "GB"),
  logsIngested: price(OBSERVABILITY, "Workers Logs, ingested", 0.25, "GB", {
    included: 50,
    note: "from 2026-12-01; until then $0.60 a million events beyond 20 million",
  }),
  logsStored: price(OBSERVABILITY, "Workers Logs, stored", 0.1, "GB-month", {
    included: 12,
    note: "logs are kept for seven days",
  }),
  logsFree: price(OBSERVABILITY, "Workers Logs, free plan", 0, "GB", {
    note: "0.5 GB a day; Cloudflare drops logs beyond that",
  }),
  b2Storage: price(B2, "storage", 0.00695, "GB-month", { included: 10 }),
  b2Requests: price(B2, "requests", 0, "requests", {
    note: "for pay-as-you-go accounts; an account without a payment method has daily caps",
  }),
  b2ToCloudflare: price(B2_TRAFFIC, "traffic to Cloudflare", 0, "GB", {
    note: "free to partners such as Cloudflare; an example by Backblaze includes Workers, its price page does not mention them",
  }),
  b2Traffic: price(B2_TRAFFIC, "other traffic", 0.01, "GB", {
    note: "free up to three times the average storage",
  }),
  r2Storage: price(R2, "storage", 0.015, "GB-month", { included: 10, isRoundedUp: true }),
  r2ClassA: price(R2, "class A: PUT, LIST", 4.5, "requests", {
    per: MILLION,
    included: MILLION,
    isRoundedUp: true,
  }),
  r2ClassB: price(R2, "class B: GET, HEAD", 0.36, "requests", {
    per: MILLION,
    included: 10 * MILLION,
    isRoundedUp: true,
  }),
  r2Traffic: price(R2, "traffic to clients", 0, "GB"),
  s3Storage: price(
    S3,
    "storage, us-east-1",
    [
      { upTo: 50 * GIB_PER_TIB, dollars: 0.023 },
      { upTo: 500 * GIB_PER_TIB, dollars: 0.022 },
      { upTo: Infinity, dollars: 0.021 },
    ],
    "GiB-month",
    { note: "the prices beyond 50 TiB are from a report of 2022" },
  ),
  s3Put: price(S3, "PUT, LIST", 5, "requests", { per: MILLION }),
  s3Get: price(S3, "GET, HEAD", 0.4, "requests", { per: MILLION }),
  s3Traffic: price(
    S3,
    "traffic to the internet",
    [
      { upTo: 10 * GIB_PER_TIB, dollars: 0.09 },
      { upTo: 50 * GIB_PER_TIB, dollars: 0.085 },
      { upTo: 150 * GIB_PER_TIB, dollars: 0.07 },
      { upTo: Infinity, dollars: 0.05 },
    ],
    "GiB",
    { included: 100, note: "the prices beyond 10 TiB are from a report of 2026-08-16" },
  ),
  s3ToCloudfront: price(CLOUDFRONT, "traffic from S3", 0, "GiB"),
  cloudfrontRequests: price(CLOUDFRONT, "HTTPS requests, US", 1, "requests", {
    per: MILLION,
    included: 10 * MILLION,
    note: "$1.20 in Europe",
  }),
  cloudfrontTraffic: price(
    CLOUDFRONT,
    "traffic to clients, US and Europe",
    [
      { upTo: 10 * GIB_PER_TIB, dollars: 0.085 },
      { upTo: 50 * GIB_PER_TIB, dollars: 0.08 },
      { upTo: 150 * GIB_PER_TIB, dollars: 0.06 },
      { upTo: 500 * GIB_PER_TIB, dollars: 0.04 },
      { upTo: 1024 * GIB_PER_TIB, dollars: 0.03 },
      { upTo: 5120 * GIB_PER_TIB, dollars: 0.025 },
      { upTo: Infinity, dollars: 0.02 },
    ],
    "GiB",
    { included: GIB_PER_TIB },
  ),
  cloudfrontFlat: price(CLOUDFRONT_FLAT, "flat-rate plan", 15, "month", {
    note: "the price of Pro; the table below lists all plans",
  }),
} as const satisfies Record<string, Price>;
