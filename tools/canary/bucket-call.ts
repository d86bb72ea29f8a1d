export interface BucketRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Below the canary's own folder; left out for the bucket itself. */
  readonly name?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Signed and sent as they are. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface BucketAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** S3's error code. */
  readonly code: string | undefined;
}
