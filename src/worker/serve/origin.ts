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
import type { ObjectKey } from "../../nix/object-key.ts";
import type { Log } from "../log.ts";
import { sliceStream } from "./slice-stream.ts";

export interface OriginDependencies {
  readonly bucket: Bucket;
  readonly storeDir: string;
  readonly log: Log;
}

/**
 * Answers a GET of `key` from the bucket, as the edge may keep it: 200, 206 or
 * 404, each with its Cache-Control. Everything else is thrown.
 */
export async function readFromBucket(
  key: ObjectKey,
  range: ByteRange | undefined,
  dependencies: OriginDependencies,
): Promise<Response> {
  if (key.kind === "narinfo") return await readNarinfo(key, dependencies);
  const stored = await dependencies.bucket.get(key.path, range);
  return stored === undefined ? absent(key) : present(key, stored, range);
}

export function absent(key: ObjectKey): Response {
  return new Response(null, {
    status: 404,
    headers: { "cache-control": cacheControlOfAbsent(key) },
  });
}

function present(key: ObjectKey, stored: StoredObject, range: ByteRange | undefined): Response {
  const headers = objectHeaders(key, stored);
  // Documents come out decoded: small, and a client need not know the encoding.
  // A NAR is passed on untouched, since decoding costs CPU by the megabyte.
  const isDecoded = isDecodedByPlatform(stored.contentEncoding) && key.kind !== "nar";
  if (stored.contentEncoding !== undefined && !isDecoded) {
    headers.set("content-encoding", stored.contentEncoding);
  }
  if (isDecoded) {
    // Read through a script's stream, the body loses its encoding; its length is then unknown.
    headers.delete("content-length");
    return new Response(stored.body.pipeThrough(new TransformStream()), { headers });
  }
  // What is cut here would come out decoded: such a NAR is answered whole.
  const isUncuttable = stored.range === undefined && isDecodedByPlatform(stored.contentEncoding);
  if (range === undefined || isUncuttable) return new Response(stored.body, { headers });

  const slice = sliceStream(stored, range);
  headers.set("content-length", String(slice.last - slice.first + 1));
  headers.set("content-range", `bytes ${slice.first}-${slice.last}/${slice.sizeBytes}`);
  return new Response(slice.body, { status: 206, headers });
}

/** What GET and HEAD say alike about a stored object. */
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

/** A NAR is named by the hash of its bytes; Lix gives up a resume when the tag changes. */
export function entityTagOf(key: ObjectKey): string | undefined {
  return key.kind === "nar" && key.fileHash !== undefined ? `"${key.fileHash}"` : undefined;
}

/**
 * The largest narinfo that is read into memory and inspected. Honest ones have a
 * few kilobytes; 256 KiB hold 4,000 references. A larger one is streamed, and no
 * cache may keep it, so memory does not grow with its size (law 7).
 */
export const MAX_INSPECTED_NARINFO_BYTES = 256 * 1024;

/** Reads a narinfo whole and inspects it before any cache may keep it. */
async function readNarinfo(
  key: ObjectKey & { kind: "narinfo" },
  { bucket, storeDir, log }: OriginDependencies,
): Promise<Response> {
  const stored = await bucket.read(key.path, MAX_INSPECTED_NARINFO_BYTES);
  if (stored === undefined) return absent(key);
  if (stored === "too-large") return await streamNarinfo(key, bucket);
  const { bytes, contentEncoding } = stored;
  const headers = objectHeaders(key, { ...stored, sizeBytes: bytes.byteLength });
  if (contentEncoding !== undefined && !isDecodedByPlatform(contentEncoding)) {
    headers.set("content-encoding", contentEncoding);
    return new Response(bytes, { headers });
  }
  const narinfo = parseNarinfo(decodeText(bytes), storeDir);
  // Served as it is, for Nix to judge; but not kept, so that mending it in the bucket is enough.
  if (!narinfo.ok || narinfo.value.storePath.hash !== key.hash) {
    headers.set("cache-control", CACHE_CONTROL.never);
    log("warn", "narinfo-corrupt", {
      path: key.path,
      detail: narinfo.ok ? "is about another store path" : narinfo.error,
    });
  }
  return new Response(bytes, { headers });
}

async function streamNarinfo(
  key: ObjectKey & { kind: "narinfo" },
  bucket: Bucket,
): Promise<Response> {
  const stored = await bucket.get(key.path);
  if (stored === undefined) return absent(key);
  const response = present(key, stored, undefined);
  response.headers.set("cache-control", CACHE_CONTROL.never);
  return response;
}
