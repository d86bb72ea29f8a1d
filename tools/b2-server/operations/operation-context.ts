import type { IncomingHttpHeaders } from "node:http";
import type { ApplicationKey } from "../application-key.ts";
import type { Answer } from "../answer.ts";
import type { BucketStore, ByteChunks } from "../store/bucket-store.ts";

/** A request whose signature, capability and object key are checked. */
export interface OperationContext {
  readonly bucketName: string;
  readonly bucket: BucketStore;
  /** The object key. Empty for an operation on the bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
  /** Ends only if the body matches its headers (see `readCheckedBody`). Read it at most once. */
  readonly body: ByteChunks;
  readonly applicationKey: ApplicationKey;
  readonly findBucket: (name: string) => BucketStore | undefined;
  readonly now: () => Date;
}

export type OperationHandler = (context: OperationContext) => Promise<Answer>;

/** Returns the value of a request header, or `undefined` if it is missing. */
export function readHeader(context: OperationContext, name: string): string | undefined {
  const value = context.headers[name];
  return typeof value === "string" ? value : undefined;
}
