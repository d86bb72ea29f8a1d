import { CacheError } from "../../cache-error.ts";
import { FAILURES } from "../../../api/failures/failures.ts";
import { toFailure } from "../../failure-response.ts";
import { resendsEmptyBody } from "../../../http/request-headers.ts";
import { commitBody } from "../../ingest/commit.ts";
import { publishCacheInfo } from "../../ingest/publish-cache-info.ts";
import type { Push } from "../../ingest/push-context.ts";
import { publishNarinfo } from "../../ingest/publish-narinfo.ts";
import { publishRealisation } from "../../ingest/publish-realisation.ts";
import { contentLength, leaseForDocument, readText } from "../../ingest/read-body.ts";
import { storeSidecar } from "../../ingest/store-sidecar.ts";
import { narSha256, type NarKey, type ObjectKey, parseObjectKey } from "../../../nix/object-key.ts";
import { MAX_NARINFO_BYTES } from "../../../nix/narinfo.ts";
import { type Exchange, rawObjectPath } from "../exchange.ts";
import { admitPush } from "../admit.ts";

/** PUT of every object that Nix writes. Answers 200 once the object is durable. */
export async function writeObject(exchange: Exchange): Promise<Response> {
  try {
    return await write(exchange);
  } catch (error) {
    throw asUploadFailure(toFailure(error), exchange.request);
  }
}

/**
 * Answers a failure of ours with 501 to an old Nix (law 8). It would repeat the
 * request without its body and then hang, and 501 is the one 5xx that no Nix retries.
 */
function asUploadFailure(error: CacheError, request: Request): CacheError {
  if (FAILURES[error.code].status < 500) return error;
  if (!resendsEmptyBody(request.headers.get("user-agent"))) return error;
  return new CacheError("upload-failed", `${error.code}: ${error.message}`, {
    cause: error.cause,
    subject: FAILURES[error.code].message,
  });
}

async function write(exchange: Exchange): Promise<Response> {
  const { request } = exchange;
  const push = await admitPush(exchange);
  const parsed = parseObjectKey(rawObjectPath(request.url));
  if (!parsed.ok) throw new CacheError("path-not-writable", parsed.error);
  exchange.key = parsed.value;
  const upload = { lengthBytes: contentLength(request), body: request.body ?? emptyBody() };
  await store(parsed.value, upload, push, request);
  return new Response(null, { status: 200, headers: { "cache-control": "no-store" } });
}

interface UploadBody {
  readonly body: ReadableStream<Uint8Array>;
  readonly lengthBytes: number;
}

async function store(key: ObjectKey, upload: UploadBody, push: Push, request: Request) {
  const contentEncoding = parseContentEncoding(request);
  switch (key.kind) {
    case "nar":
      refuseEncoding(contentEncoding);
      return await storeNar(key, upload, push);
    case "narinfo":
      refuseEncoding(contentEncoding);
      await withDocument(upload, push, (text) => publishNarinfo(key, text, push));
      return push.edgeContext.waitUntil(push.recorder.flush());
    case "realisation":
    case "build-trace":
      refuseEncoding(contentEncoding);
      return await withDocument(upload, push, (text) => publishRealisation(key, text, push));
    case "cache-info":
      refuseEncoding(contentEncoding);
      return await withDocument(upload, push, (text) => publishCacheInfo(text, push));
    case "listing":
    case "log":
    case "debuginfo":
      return await storeSidecar({ key, ...upload, contentEncoding }, push);
  }
}

async function storeNar(key: NarKey, { body, lengthBytes }: UploadBody, push: Push) {
  const sha256 = narSha256(key);
  if (sha256 === undefined) throw new CacheError("path-not-writable", key.path);
  await commitBody(key, { body, lengthBytes, sha256 }, push);
}

/** Reads a document into memory and publishes it. */
async function withDocument<T>(
  { body, lengthBytes }: UploadBody,
  push: Push,
  publish: (text: string) => Promise<T>,
): Promise<T> {
  const lease = await leaseForDocument(lengthBytes, push);
  try {
    return await publish(await readText(body, lengthBytes, MAX_NARINFO_BYTES));
  } finally {
    lease.release();
  }
}

/** The encodings that Nix uses for listings and logs. The gateway stores them with the object, and sends them back. */
const CONTENT_ENCODINGS = new Set(["br", "gzip", "xz", "zstd", "bzip2"]);

function parseContentEncoding(request: Request): string | undefined {
  const header = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  // Nix 2.33 and later name "none" where the store asks for no compression.
  if (header === "" || header === "identity" || header === "none") return undefined;
  if (!CONTENT_ENCODINGS.has(header))
    throw new CacheError("content-encoding-unknown", header.slice(0, 40));
  return header;
}

function refuseEncoding(contentEncoding: string | undefined) {
  if (contentEncoding !== undefined) {
    throw new CacheError("content-encoding-refused", contentEncoding);
  }
}

function emptyBody(): ReadableStream<Uint8Array> {
  return new Blob([]).stream();
}
