import type { Bucket, StoredObject } from "../bucket/bucket.ts";
import { isDecodedByPlatform, decodeText } from "../../http/text-decoding.ts";
import type { ByteRange } from "../../http/request-headers.ts";
import {
  CACHE_CONTROL,
  cacheControlOfAbsent,
  cacheControlOfFound,
} from "../../http/cache-control.ts";
import { CONTENT_TYPES } from "../../http/response-headers.ts";
import { parseNarinfo } from "../../nix/narinfo.ts";
import { looksLikeNarFile, NAR_FILE_HEAD_BYTES } from "../../nix/nar-file.ts";
import type { NarKey, ObjectKey } from "../../nix/object-key.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import type { Log } from "../log.ts";
import { countStream } from "./count-stream.ts";
import { sliceStream } from "./slice-stream.ts";

export interface OriginDependencies {
  readonly bucket: Bucket;
  readonly storeDir: string;
  readonly log: Log;
  /** Called for each narinfo that the bucket has. A sample: the edge answers most readers. */
  readonly onUse?: ((hash: StorePathHash) => void) | undefined;
}

/** An answer from the bucket, as `edge.ts` takes it. */
interface ServedObject {
  readonly response: Response;
  /** Resolves when the whole body has passed, if it is counted. Rejects if it is cut. */
  readonly arrived?: Promise<void>;
}

/**
 * Answers a GET of `key` from the bucket: 200, 206 or 404. Its Cache-Control says
 * whether the edge may store it. Throws a `CacheError` for every fault of the
 * bucket and for a range outside the object.
 */
export async function readFromBucket(
  key: ObjectKey,
  range: ByteRange | undefined,
  dependencies: OriginDependencies,
): Promise<ServedObject> {
  if (key.kind === "narinfo") return { response: await readNarinfo(key, dependencies) };
  const stored = await dependencies.bucket.get(key.path, range);
  if (stored === undefined) return { response: absent(key) };
  if (key.kind === "nar" && range === undefined) return await presentNar(key, stored, dependencies);
  return { response: present(key, stored, range) };
}

/**
 * Answers a GET of a whole NAR. Caches may keep it for a year, and a wrong answer of
 * the bucket would be kept as long. So the first bytes are looked at: if they are
 * not those of such a file, no cache may keep the answer. The client gets it all the
 * same, and checks its hash.
 */
async function presentNar(
  key: NarKey,
  stored: StoredObject,
  { log }: OriginDependencies,
): Promise<ServedObject> {
  if (cacheControlOfFound(key) !== CACHE_CONTROL.nar) {
    return { response: present(key, stored, undefined) };
  }
  if (stored.sizeBytes === undefined || stored.contentEncoding !== undefined) {
    // Without a length, a cut body would look like a whole one. The first bytes of an
    // encoded body are not those of the NAR.
    return { response: withoutCaching(present(key, stored, undefined)) };
  }
  const { head, body, arrived } = await countStream(
    stored.body,
    NAR_FILE_HEAD_BYTES,
    stored.sizeBytes,
  );
  const response = present(key, { ...stored, body }, undefined);
  if (looksLikeNarFile(key.extension, head)) return { response, arrived };
  log("warn", "nar-suspect", {
    path: key.path,
    detail: `the first bytes are not those of a NAR with the extension "${key.extension}"`,
    bytes: stored.sizeBytes,
  });
  return { response: withoutCaching(response) };
}

function withoutCaching(response: Response): Response {
  response.headers.set("cache-control", CACHE_CONTROL.never);
  return response;
}

/** Returns the 404 for an object that the bucket does not have, with its Cache-Control. */
export function absent(key: ObjectKey): Response {
  return new Response(null, {
    status: 404,
    headers: { "cache-control": cacheControlOfAbsent(key) },
  });
}

function present(key: ObjectKey, stored: StoredObject, range: ByteRange | undefined): Response {
  const headers = objectHeaders(key, stored);
  // A stored encoding is passed on, and the body unread. Decoding a NAR takes CPU
  // time for each megabyte, and a log of 2 MB may unpack to more than a gigabyte.
  // Nix and browsers decode by themselves.
  if (stored.contentEncoding !== undefined) {
    headers.set("content-encoding", stored.contentEncoding);
  }
  // Cutting passes the body through a stream of the worker, and the platform would
  // then decode it. So a NAR with a Content-Encoding is answered whole.
  const isUncuttable = stored.range === undefined && isDecodedByPlatform(stored.contentEncoding);
  if (range === undefined || isUncuttable) return new Response(stored.body, { headers });

  // Nobody has looked at the beginning of the file.
  headers.set("cache-control", CACHE_CONTROL.never);
  const slice = sliceStream(stored, range);
  headers.set("content-length", String(slice.last - slice.first + 1));
  headers.set("content-range", `bytes ${slice.first}-${slice.last}/${slice.sizeBytes}`);
  return new Response(slice.body, { status: 206, headers });
}

/** Returns the headers that GET and HEAD have in common for a stored object. */
export function objectHeaders(
  key: ObjectKey,
  stored: Pick<StoredObject, "sizeBytes" | "etag" | "lastModified">,
): Headers {
  const headers = new Headers({
    "content-type": CONTENT_TYPES[key.kind],
    "cache-control": cacheControlOfFound(key),
  });
  const etag = entityTagOf(key) ?? stored.etag;
  if (etag !== undefined) headers.set("etag", etag);
  if (stored.lastModified !== undefined) headers.set("last-modified", stored.lastModified);
  if (stored.sizeBytes !== undefined) headers.set("content-length", String(stored.sizeBytes));
  return headers;
}

/**
 * Returns the ETag of a NAR, made from the hash in its name. Returns `undefined`
 * for other objects. The bucket's own ETag of a NAR may change when the NAR is
 * stored again, and Lix gives up a resumed download if the ETag changes.
 */
export function entityTagOf(key: ObjectKey): string | undefined {
  return key.kind === "nar" && key.fileHash !== undefined ? `"${key.fileHash}"` : undefined;
}

/**
 * The largest narinfo that the gateway reads into memory and checks. Real narinfos
 * have a few kilobytes, and 256 KiB hold 4,000 references. A larger narinfo is
 * streamed, and no cache may store it. So memory does not grow with its size (law 7).
 */
export const MAX_INSPECTED_NARINFO_BYTES = 256 * 1024;

/**
 * Answers a GET of a narinfo. Reads and checks the whole narinfo first, so that the
 * edge never stores a corrupt narinfo.
 */
async function readNarinfo(
  key: ObjectKey & { kind: "narinfo" },
  { bucket, storeDir, log, onUse }: OriginDependencies,
): Promise<Response> {
  const stored = await bucket.read(key.path, MAX_INSPECTED_NARINFO_BYTES);
  if (stored === undefined) return absent(key);
  onUse?.(key.hash);
  if (stored === "too-large") return await streamNarinfo(key, bucket);
  const { bytes, contentEncoding } = stored;
  const headers = objectHeaders(key, { ...stored, sizeBytes: bytes.byteLength });
  if (contentEncoding !== undefined && !isDecodedByPlatform(contentEncoding)) {
    headers.set("content-encoding", contentEncoding);
    return new Response(bytes, { headers });
  }
  const narinfo = parseNarinfo(decodeText(bytes), storeDir);
  // A corrupt narinfo is served unchanged, because Nix checks it. The edge does not
  // store it: after a repair in the bucket, clients get the repaired narinfo at once.
  if (!narinfo.ok || narinfo.value.storePath.hash !== key.hash) {
    headers.set("cache-control", CACHE_CONTROL.never);
    log("warn", "narinfo-corrupt", {
      path: key.path,
      detail: narinfo.ok ? "the narinfo is about another store path" : narinfo.error,
    });
  }
  return new Response(bytes, { headers });
}

/** Answers a GET of a narinfo that is too large to check. No cache may store the answer. */
async function streamNarinfo(
  key: ObjectKey & { kind: "narinfo" },
  bucket: Bucket,
): Promise<Response> {
  const stored = await bucket.get(key.path);
  if (stored === undefined) return absent(key);
  return withoutCaching(present(key, stored, undefined));
}
