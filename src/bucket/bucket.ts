import type { ByteRange } from "../http/byte-range.ts";
import type { ObjectPath } from "../nix/object-key.ts";

/**
 * The bucket, as the gateway needs it. Keys are relative to the prefix, so no
 * caller can reach past it.
 *
 * A missing object is `undefined`, and only when its absence is proved; every
 * fault is thrown as a `CacheError`, after the retries that make sense.
 */
export interface Bucket {
  /**
   * The object, or the part of it that `range` asks for. A store may answer a
   * range with the whole object; `stored.range` tells. `signal` ends the reading
   * of its body, which has no time limit of its own.
   */
  get(path: ObjectPath, range?: ByteRange, signal?: AbortSignal): Promise<StoredObject | undefined>;
  head(path: ObjectPath): Promise<StoredHead | undefined>;
  /** Stores `body`. Resolves once the bytes are durable. */
  put(path: ObjectPath, body: Uint8Array<ArrayBuffer>, options: PutOptions): Promise<void>;
  /** Hides the object; one that is not there is no error. */
  delete(path: ObjectPath): Promise<void>;
  /** One page of the paths that start with `start`, in byte order. */
  list(start: string, page?: ListOptions): Promise<ListPage>;
  /** Begins an upload in parts; nothing is visible under `path` until it is completed. */
  createUpload(path: ObjectPath, options: PutOptions): Promise<Upload>;
}

export interface StoredHead {
  /** Bytes as stored, thus still encoded if `contentEncoding` is set. */
  readonly sizeBytes: number | undefined;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** `aws-chunked` and `identity`, which encode nothing, are left out. */
  readonly contentEncoding: string | undefined;
}

export interface StoredObject extends StoredHead {
  /** Set if `body` is only a part of the object. */
  readonly range: StoredRange | undefined;
  /** Read by script, gzip and br come out decoded by the platform; passed on untouched they do not. */
  readonly body: ReadableStream<Uint8Array>;
}

export interface StoredRange {
  readonly first: number;
  readonly last: number;
  /** Of the whole object. */
  readonly sizeBytes: number;
}

export interface PutOptions {
  readonly contentType: string;
  readonly contentEncoding?: string | undefined;
  /** Of the whole body, in lower-case hex, where it is known: the store then checks it too. */
  readonly sha256?: string | undefined;
}

export interface ListOptions {
  readonly limit?: number;
  /** From the previous page. */
  readonly continuation?: string;
}

export interface ListPage {
  readonly objects: readonly { readonly path: string; readonly sizeBytes: number }[];
  readonly continuation: string | undefined;
}

/** An upload in parts of at least 5 MiB, the last one excepted. */
export interface Upload {
  /** Part numbers count from 1. Retried inside, so `bytes` must stay as they are until it resolves. */
  putPart(partNumber: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Makes the object visible. Resolves once it is durable. */
  complete(): Promise<void>;
  /** Drops the parts. What it cannot drop is the lifecycle rule's. */
  abort(): Promise<void>;
}

/** Whether a listing shows `path`: the one proof that a status alone does not give. */
export async function isListed(bucket: Pick<Bucket, "list">, path: ObjectPath): Promise<boolean> {
  const { objects } = await bucket.list(path, { limit: 1 });
  return objects.some((object) => object.path === path);
}

/** What one client request cost at the bucket; shown in Server-Timing. */
export interface BucketMeter {
  requests: number;
  /** Until the headers of each answer, added up. */
  milliseconds: number;
}

export function createBucketMeter(): BucketMeter {
  return { requests: 0, milliseconds: 0 };
}
