import type { ByteRange } from "../../http/request-headers.ts";
import type { ObjectPath } from "../../nix/object-key.ts";
import type { BucketPath, IncomingPath } from "./incoming-path.ts";

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
  get(path: BucketPath, range?: ByteRange, signal?: AbortSignal): Promise<StoredObject | undefined>;
  /**
   * Reads a small object into memory, and asks for it again if its body is cut or
   * stalls. Edges store a truncated body without complaint, and merging into a
   * truncated narinfo would lose the rest of it. "too-large" for an object of more
   * than `maxBytes`, which is left unread: a limit of ours is no fault of the bucket.
   */
  read(path: BucketPath, maxBytes: number): Promise<SmallObject | "too-large" | undefined>;
  head(path: BucketPath): Promise<StoredHead | undefined>;
  /** Stores `body`. Resolves once the bytes are durable. */
  put(path: ObjectPath, body: Uint8Array<ArrayBuffer>, options: PutOptions): Promise<void>;
  /** Hides the object; one that is not there is no error. */
  delete(path: BucketPath): Promise<void>;
  /** One page of the paths that start with `start`, in byte order. */
  list(start: string, page?: ListOptions): Promise<ListPage>;
  /** Begins an upload in parts; nothing is visible under `path` until it is completed. */
  createUpload(path: BucketPath, options: PutOptions): Promise<Upload>;
  /** An upload that another request began; nobody is asked whether there still is one. */
  openUpload(path: BucketPath, uploadId: string): Upload;
  /** The unfinished uploads of paths that start with `start`: a thousand of them at most. */
  listUploads(start: string): Promise<readonly ListedUpload[]>;
  /**
   * Copies within the bucket, of any size, and resolves once the copy is durable:
   * of the very object whose tag is `etag`, or not at all ("changed"; "gone" where
   * there is none). The copy keeps the source's Content-Type up to the size that
   * S3 copies at once, and gets `contentType` above.
   */
  copy(
    from: IncomingPath,
    to: ObjectPath,
    source: CopySource,
  ): Promise<"copied" | "changed" | "gone">;
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

export interface SmallObject extends StoredHead {
  /** Decoded, if the platform decodes what `contentEncoding` names. */
  readonly bytes: ArrayBuffer;
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
  readonly objects: readonly ListedObject[];
  readonly continuation: string | undefined;
}

export interface CopySource {
  readonly etag: string;
  readonly sizeBytes: number;
  readonly contentType: string;
}

export interface ListedUpload {
  readonly path: string;
  readonly uploadId: string;
}

export interface ListedObject {
  readonly path: string;
  readonly sizeBytes: number;
  readonly lastModified: Date | undefined;
}

/** An upload in parts of at least 5 MiB, the last one excepted. */
export interface Upload {
  readonly uploadId: string;
  /** Part numbers count from 1. Retried inside, so `bytes` must stay as they are until it resolves. */
  putPart(partNumber: number, bytes: Uint8Array<ArrayBuffer>): Promise<UploadedPart>;
  /** A URL by which anyone may PUT this part for so many seconds, and do nothing else. */
  signPart(partNumber: number, seconds: number): Promise<string>;
  /** What the bucket has of it, in order; `undefined` where there is no such upload any more. */
  listParts(): Promise<readonly UploadedPart[] | undefined>;
  /**
   * Makes one object of `parts`, and resolves once it is durable. "gone" where
   * there is no such upload any more, as after a completion whose answer was lost;
   * "changed" where a part is another than its tag says.
   */
  complete(parts: readonly UploadedPart[]): Promise<"completed" | "gone" | "changed">;
  /** Drops the parts; an upload that is gone already is no error. */
  abort(): Promise<void>;
}

export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
  readonly sizeBytes: number;
}

/** Whether a listing shows `path`: the one proof that a status alone does not give. */
export async function isListed(bucket: Pick<Bucket, "list">, path: BucketPath): Promise<boolean> {
  const { objects } = await bucket.list(path, { limit: 1 });
  return objects.some((object) => object.path === path);
}

/** What one client request cost at the bucket; shown in Server-Timing. */
export interface BucketMeter {
  requests: number;
  /** Until each answer's headers, or until its end where it is read whole; added up. */
  milliseconds: number;
}

export function createBucketMeter(): BucketMeter {
  return { requests: 0, milliseconds: 0 };
}
