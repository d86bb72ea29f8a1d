/** The calls that the benchmark sends to the bucket's process, outside the S3 API. */
export type BucketCall =
  | { readonly call: "setLatency"; readonly milliseconds: number }
  | { readonly call: "stopProving" }
  | { readonly call: "forgetRequests" }
  | { readonly call: "countRequests" }
  | { readonly call: "put"; readonly key: string; readonly text: string }
  | { readonly call: "putZeros"; readonly key: string; readonly sizeBytes: number }
  | { readonly call: "drop"; readonly keyPrefix: string };

/** The number of requests for each operation, by its name in S3. */
export type RequestCounts = Readonly<Record<string, number>>;

export interface BucketQuestion {
  readonly id: number;
  readonly question: BucketCall;
}

export interface BucketCallResult {
  readonly counts?: RequestCounts;
  /** The file that contains the object of `putZeros`. */
  readonly file?: string;
}

export interface BucketReply extends BucketCallResult {
  readonly id: number;
  readonly error?: string;
}

/** The name and the application key of the bucket, for all workers and clients of the benchmark. */
export const BUCKET = {
  region: "local",
  name: "nargate",
  keyId: "bench",
  secret: "bench-secret",
  prefix: "nix/cache/",
} as const;
