/** What the benchmark asks of the bucket's process, past its S3 API. */
export type BucketCall =
  | { readonly call: "setLatency"; readonly milliseconds: number }
  | { readonly call: "forgetRequests" }
  | { readonly call: "countRequests" }
  | { readonly call: "put"; readonly key: string; readonly text: string }
  | { readonly call: "putZeros"; readonly key: string; readonly sizeBytes: number }
  | { readonly call: "drop"; readonly keyPrefix: string };

/** Requests by S3's name of the operation. */
export type RequestCounts = Readonly<Record<string, number>>;

export interface BucketQuestion {
  readonly id: number;
  readonly question: BucketCall;
}

export interface BucketCallResult {
  readonly counts?: RequestCounts;
  /** Where the object that was put lies on the disk. */
  readonly file?: string;
}

export interface BucketReply extends BucketCallResult {
  readonly id: number;
  readonly error?: string;
}

/** How every worker and client here reaches the bucket. */
export const BUCKET = {
  region: "local",
  name: "nargate",
  keyId: "bench",
  secret: "bench-secret",
  prefix: "nix/cache/",
} as const;
