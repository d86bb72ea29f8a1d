import type { ByteRange } from "../../http/request-headers.ts";
import type { PayloadHeader } from "../../http/payload-header.ts";
import type { ObjectPath } from "../../nix/object-key.ts";
import type { BucketPath, IncomingPath } from "./incoming-path.ts";
import type { NargatePath } from "./nargate-path.ts";

/**
 * The operations of the bucket that the gateway uses. Paths are relative to the
 * prefix, so no caller can reach an object outside the prefix.
 *
 * A read returns `undefined` only for a proved absence. Every fault of the bucket
 * is thrown as a `CacheError`, after the retries that can help.
 */
export interface Bucket {
  /**
   * Returns the object, or the part of it in `range`. A store may answer a range
   * with the whole object: `range` of the result is then `undefined`. The body has
   * no time limit, and `signal` ends the reading of it.
   */
  get(path: BucketPath, range?: ByteRange, signal?: AbortSignal): Promise<StoredObject | undefined>;
  /**
   * Returns a small object, whole and in memory. Sends the request again if the
   * body is cut or stalls. This matters because an edge stores a truncated body
   * without complaint, and because a merge into a truncated narinfo would lose the
   * missing part. Returns "too-large" for an object of more than `maxBytes` bytes,
   * and does not read it. A limit of the gateway is no fault of the bucket, so this
   * is not an error.
   */
  read(path: BucketPath, maxBytes: number): Promise<SmallObject | "too-large" | undefined>;
  /** Returns the size and the headers of an object, without its body. */
  head(path: BucketPath): Promise<StoredHead | undefined>;
  /**
   * Stores `body`. Resolves once the bytes are durable, with the ETag of the new object
   * if the bucket tells it.
   */
  put(
    path: ObjectPath | NargatePath,
    body: Uint8Array<ArrayBuffer>,
    options: PutOptions,
  ): Promise<string | undefined>;
  /**
   * Hides the object. Succeeds if it does not exist. With `once` it sends one request, and
   * if that fails, the object may still vanish a short time later.
   */
  delete(path: BucketPath, options?: Pick<PutOptions, "once">): Promise<void>;
  /** Returns one page of the paths that start with `start`, in byte order. */
  list(start: string, page?: ListOptions): Promise<ListPage>;
  /**
   * Signs one PUT of a NAR with exactly these bytes. Its holder can store them under
   * `path` within the 15 minutes for which S3 accepts a signature, as often as it likes.
   */
  signPut(path: IncomingPath, nar: NarToSign): Promise<SignedPut>;
  /** Starts an upload in parts. The object appears under `path` only when the upload is completed. */
  createUpload(path: BucketPath, options: PutOptions): Promise<Upload>;
  /** Returns an upload that another request started. Does not check that the upload still exists. */
  openUpload(path: BucketPath, uploadId: string): Upload;
  /** Returns the unfinished uploads to paths that start with `start`, at most 1,000 of them. */
  listUploads(start: string): Promise<readonly ListedUpload[]>;
  /**
   * Copies an object of any size within the bucket. Resolves once the copy is
   * durable. Copies only the object whose ETag is `source.etag`. Returns "changed"
   * if the bucket says that another object has taken its place, and "gone" if there
   * is no object. Without `source.etag` it copies whatever object is there.
   *
   * The copy gets `source.contentType` and no other header of its source: a client may
   * have added headers to a PUT that the gateway signed.
   */
  copy(
    from: IncomingPath,
    to: ObjectPath,
    source: CopySource,
  ): Promise<"copied" | "changed" | "gone">;
}

export interface StoredHead {
  /** The size in bytes as stored: the size of the encoded bytes if `contentEncoding` is set. */
  readonly sizeBytes: number | undefined;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** The stored Content-Encoding, without `aws-chunked` and `identity`, which encode nothing. */
  readonly contentEncoding: string | undefined;
}

export interface StoredObject extends StoredHead {
  /** The part of the object that `body` holds. `undefined` if `body` is the whole object. */
  readonly range: StoredRange | undefined;
  /**
   * The bytes. The platform decodes gzip and br if the worker's code reads the
   * body. It does not decode them if the worker passes the body on unread.
   */
  readonly body: ReadableStream<Uint8Array>;
}

export interface SmallObject extends StoredHead {
  /** The bytes, decoded if the platform can decode `contentEncoding`. */
  readonly bytes: ArrayBuffer;
}

export interface StoredRange {
  /** The offset of the first byte, counted from 0. */
  readonly first: number;
  /** The offset of the last byte, which belongs to the range. */
  readonly last: number;
  /** The size of the whole object in bytes. */
  readonly sizeBytes: number;
}

export interface PutOptions {
  readonly contentType: string;
  readonly contentEncoding?: string | undefined;
  /** The SHA-256 of the whole body in lower-case hex, if it is known. The store then checks it too. */
  readonly sha256?: string | undefined;
  /**
   * Whether to send the request only once. For an object that another writer may
   * replace: the caller then reads it before it tries again.
   */
  readonly once?: boolean;
}

/** A file whose bytes the bucket itself must check. */
export interface NarToSign {
  /** In lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** The header by which this bucket checks them. */
  readonly header: PayloadHeader;
}

/** A PUT that a client may send. The client must send exactly these headers. */
export interface SignedPut {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ListOptions {
  /** The most paths in the page: 1,000 if it is not given. */
  readonly limit?: number;
  /** The `continuation` of the previous page. */
  readonly continuation?: string;
  /** Only paths behind this text in byte order. A server may ignore it. */
  readonly after?: string;
  /** Leave out the paths with a "/" behind the start. A page may then have no path at all. */
  readonly isFlat?: boolean;
}

export interface ListPage {
  readonly objects: readonly ListedObject[];
  readonly continuation: string | undefined;
  /** Whether the bucket says that no path follows. */
  readonly isLast: boolean;
}

export interface CopySource {
  readonly etag: string | undefined;
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
  /** With its quotation marks, as HEAD has it. */
  readonly etag?: string | undefined;
}

/** An upload in parts. Each part has at least 5 MiB, except the last part. */
export interface Upload {
  readonly uploadId: string;
  /**
   * Stores one part. Part numbers count from 1. It may send `bytes` again after a
   * failure, so the caller must not change `bytes` until it resolves.
   */
  putPart(partNumber: number, bytes: Uint8Array<ArrayBuffer>): Promise<UploadedPart>;
  /**
   * Returns a URL that is valid for `seconds` seconds. With this URL, a client
   * without a credential can PUT this part, and nothing else.
   */
  signPart(partNumber: number, seconds: number): Promise<string>;
  /** Returns the parts that the bucket holds, in order. `undefined` if the upload no longer exists. */
  listParts(): Promise<readonly UploadedPart[] | undefined>;
  /**
   * Makes one object of `parts`, and resolves once the object is durable. Returns
   * "gone" if the upload no longer exists, as after a completion whose answer was
   * lost. Returns "changed" if the ETag of a part differs from the part in the
   * bucket.
   */
  complete(parts: readonly UploadedPart[]): Promise<"completed" | "gone" | "changed">;
  /** Drops the upload and its parts. Succeeds if the upload no longer exists. */
  abort(): Promise<void>;
}

export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
  readonly sizeBytes: number;
}

/**
 * Whether a listing shows an object at `path`. This proves a presence or an absence
 * where the status of a GET or HEAD does not.
 */
export async function isListed(bucket: Pick<Bucket, "list">, path: BucketPath): Promise<boolean> {
  const { objects } = await bucket.list(path, { limit: 1 });
  return objects.some((object) => object.path === path);
}

/** Whether each path is behind the path before it, and the first one behind `after`. */
export function isInOrder(objects: readonly ListedObject[], after: string): boolean {
  return objects.every(({ path }, index) => path > (objects[index - 1]?.path ?? after));
}

/** The bucket requests of one client request. Server-Timing shows them. */
export interface BucketMeter {
  /** The number of requests to the bucket, retries included. */
  requests: number;
  /**
   * The time of all requests added up, in milliseconds. The time of a request ends
   * with the answer's headers, or with its body if the gateway reads the body whole.
   */
  milliseconds: number;
}

export function createBucketMeter(): BucketMeter {
  return { requests: 0, milliseconds: 0 };
}
