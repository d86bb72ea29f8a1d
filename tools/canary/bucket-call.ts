export interface BucketRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** The name below the canary's folder. `undefined` addresses the bucket itself. */
  readonly name?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Headers that are signed and sent unchanged. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface BucketAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** S3's error code, such as `NoSuchKey`. */
  readonly code: string | undefined;
}
