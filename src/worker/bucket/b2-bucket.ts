import type { BucketLocation } from "../../settings/bucket-settings.ts";
import { CacheError } from "../cache-error.ts";
import { formatByteRange } from "../../http/request-headers.ts";
import {
  type Bucket,
  type BucketMeter,
  isListed,
  type ListOptions,
  type ListPage,
} from "./bucket.ts";
import type { BucketPath } from "./incoming-path.ts";
import type { BucketSightings } from "./bucket-sightings.ts";
import { AnswerTooLarge, type S3Answer } from "./read-answer.ts";
import { READ_RETRIES, SINGLE_WRITE, SMALL_READ_RETRIES, WRITE_RETRIES } from "../../http/retry.ts";
import type { S3Client, S3Request } from "./s3-client.ts";
import { COPY_LIMITS, type CopyLimits, copyS3Object } from "./s3-copy.ts";
import { isCapExceeded, readS3Failure, toCacheError } from "./s3-failure.ts";
import { headOf, rangeOf, requireObject } from "./s3-object.ts";
import type { S3Presigner } from "./s3-presign.ts";
import { parseListedObjects } from "./s3-listing.ts";
import { readListing } from "./s3-result.ts";
import { createS3Upload, openS3Upload, storedHeaders, type UploadAccess } from "./s3-upload.ts";
import { readElement, readElements } from "../../http/s3-xml.ts";

/** The longest key that S3 allows. Keys are ASCII here, so each character is one byte. */
const MAX_KEY_BYTES = 1024;

/** The client and the signer of one bucket, which all requests of an isolate share. */
export interface S3Access {
  readonly send: S3Client;
  readonly presign: S3Presigner;
  readonly sightings: BucketSightings;
  readonly copyLimits?: CopyLimits;
}

/**
 * Returns the bucket of a Backblaze B2 account, used by its S3 API. All paths are
 * below the configured prefix. `meter` counts the bucket requests of one client
 * request.
 */
export function createB2Bucket(
  config: BucketLocation,
  { send, presign, sightings, copyLimits = COPY_LIMITS }: S3Access,
  meter: BucketMeter,
): Bucket {
  const uploads: UploadAccess = { send: (request) => send(request, meter), presign };

  async function ask(
    method: "GET" | "HEAD",
    path: BucketPath,
    options: Omit<S3Request, "method" | "key">,
  ) {
    // No object can have such a long key, so its absence is proved. B2 would answer 400.
    if (config.prefix.length + path.length > MAX_KEY_BYTES) return undefined;
    const response = await send({ ...options, method, key: config.prefix + path }, meter);
    if (response.status === 200 || response.status === 206) {
      await requireObject(response, `${method} ${path}`, options.headers?.range !== undefined);
      sightings.note();
      return response;
    }
    const failure = await readS3Failure(response);
    if (failure.status === 416) {
      if (options.headers?.range === undefined) {
        throw new CacheError("bucket-unavailable", `GET ${path} answered 416 without a range`);
      }
      const size = /^bytes \*\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
      const known = size === undefined ? {} : { sizeBytes: Number(size) };
      throw new CacheError("range-not-satisfiable", `GET ${path}`, known);
    }
    if (failure.status === 403) return await resolveForbidden(path, isCapExceeded(failure));
    // A 404 to a GET proves an absence only with the code NoSuchKey. NoSuchBucket,
    // or a page of another server, proves nothing.
    if (failure.status === 404 && failure.code === "NoSuchKey") {
      sightings.note();
      return undefined;
    }
    if (failure.status === 404 && method === "HEAD") {
      // It has no body, so its status must be enough; but S3 never announces HTML, and
      // a proxy does. A listing shows whether the bucket exists, unless that is known.
      const isPage = (response.headers.get("content-type") ?? "").includes("html");
      if (!isPage && (sightings.isRecent() || !(await isListed({ list }, path)))) return undefined;
    }
    throw toCacheError(`${method} ${path}`, failure);
  }

  /**
   * Returns `undefined` if a 403 means that the object is absent, and throws
   * otherwise. B2 answers 403 for a cap, for a wrong application key, and for a
   * missing object if the application key lacks listFiles. A listing of this one
   * path tells these cases apart.
   */
  async function resolveForbidden(path: BucketPath, capExceeded: boolean): Promise<undefined> {
    if (!(await isListed({ list }, path))) return undefined;
    throw new CacheError(
      capExceeded ? "bucket-cap-exceeded" : "bucket-unavailable",
      `${path} exists, but the bucket answered 403: a cap is used up, or the application key lacks readFiles`,
      { retryAfterSeconds: capExceeded ? 600 : 30 },
    );
  }

  async function list(start: string, options: ListOptions = {}): Promise<ListPage> {
    const { limit = 1000, continuation, after, isFlat = false } = options;
    const response = await send(
      {
        method: "GET",
        key: "",
        query: {
          "list-type": "2",
          prefix: config.prefix + start,
          "max-keys": String(limit),
          ...(isFlat ? { delimiter: "/" } : {}),
          ...(continuation === undefined ? {} : { "continuation-token": continuation }),
          ...(after === undefined ? {} : { "start-after": config.prefix + after }),
        },
        retries: READ_RETRIES,
      },
      meter,
    );
    if (response.status !== 200) {
      const failure = await readS3Failure(response);
      const what =
        failure.status === 403
          ? "ListObjectsV2 (the key ID or the application key is wrong, or the application key lacks listFiles)"
          : "ListObjectsV2";
      throw toCacheError(what, failure);
    }
    const xml = await readListing(response, "ListBucketResult");
    requireRightPage(xml, config.prefix + start);
    sightings.note();
    const next = readElement(xml, "NextContinuationToken");
    return {
      objects: parseListedObjects(xml, config.prefix),
      continuation: next,
      isLast: next === undefined && readElement(xml, "IsTruncated") === "false",
    };
  }

  return {
    async get(path, wanted, signal) {
      const headers = wanted === undefined ? {} : { range: formatByteRange(wanted) };
      const response = await ask("GET", path, {
        headers,
        signal,
        streams: true,
        retries: READ_RETRIES,
      });
      if (response === undefined) return undefined;
      const range = rangeOf(response);
      if (range === "unusable") {
        await response.body?.cancel();
        throw new CacheError(
          "bucket-unavailable",
          `GET ${path} answered 206 without a usable Content-Range`,
        );
      }
      return { ...headOf(response), range, body: response.body ?? new Blob([]).stream() };
    },

    async read(path, maxBytes) {
      let response: S3Answer | undefined;
      try {
        response = await ask("GET", path, {
          maxAnswerBytes: maxBytes,
          retries: SMALL_READ_RETRIES,
        });
      } catch (error) {
        if (!(error instanceof AnswerTooLarge)) throw error;
        // The page of a proxy can be too large as well. HEAD tells it from an object.
        const head = await ask("HEAD", path, { retries: READ_RETRIES });
        return head === undefined ? undefined : "too-large";
      }
      if (response === undefined) return undefined;
      return { ...headOf(response), bytes: await response.arrayBuffer() };
    },

    async head(path) {
      const response = await ask("HEAD", path, { retries: READ_RETRIES });
      return response === undefined ? undefined : headOf(response);
    },

    async put(path, body, options) {
      const response = await send(
        {
          method: "PUT",
          key: config.prefix + path,
          headers: storedHeaders(options),
          body,
          payloadSha256: options.sha256,
          retries: options.once ? SINGLE_WRITE : WRITE_RETRIES,
        },
        meter,
      );
      if (response.status !== 200) throw toCacheError(`PUT ${path}`, await readS3Failure(response));
      await response.body?.cancel();
      return response.headers.get("etag") ?? undefined;
    },

    async delete(path, { once = false } = {}) {
      const key = config.prefix + path;
      const retries = once ? SINGLE_WRITE : WRITE_RETRIES;
      const response = await send({ method: "DELETE", key, retries }, meter);
      if (response.status === 204 || response.status === 200 || response.status === 404) {
        await response.body?.cancel();
        return;
      }
      throw toCacheError(`DELETE ${path}`, await readS3Failure(response));
    },

    list,

    signPut: (path, nar) => presign.nar(config.prefix + path, nar),

    createUpload(path, options) {
      return createS3Upload(config.prefix + path, options, uploads);
    },

    openUpload(path, uploadId) {
      return openS3Upload(config.prefix + path, uploadId, uploads);
    },

    async listUploads(start) {
      const response = await send(
        {
          method: "GET",
          key: "",
          query: { uploads: "", prefix: config.prefix + start, "max-uploads": "1000" },
          retries: READ_RETRIES,
        },
        meter,
      );
      if (response.status !== 200) {
        throw toCacheError("ListMultipartUploads", await readS3Failure(response));
      }
      const xml = await readListing(response, "ListMultipartUploadsResult");
      return readElements(xml, "Upload").map((upload) => ({
        path: (readElement(upload, "Key") ?? "").slice(config.prefix.length),
        uploadId: readElement(upload, "UploadId") ?? "",
      }));
    },

    copy(from, to, source) {
      const keys = { bucket: config.bucket, from: config.prefix + from, to: config.prefix + to };
      return copyS3Object({ ...source, ...keys }, uploads, copyLimits);
    },
  };
}

/**
 * Throws `bucket-unavailable` for a page that proves nothing: the page of another
 * prefix, which a mixed-up cache in between may give, and an empty page that says
 * that more pages follow.
 */
function requireRightPage(xml: string, prefix: string): void {
  const beforeContents = xml.split("<Contents>", 1)[0] ?? "";
  const listed = readElement(beforeContents, "Prefix");
  if (listed !== undefined && listed !== prefix) {
    throw new CacheError("bucket-unavailable", `a listing of ${prefix} came back for ${listed}`);
  }
  const isTruncated = readElement(xml, "IsTruncated") === "true";
  if (isTruncated && !/<(?:Contents|CommonPrefixes)>/.test(xml)) {
    throw new CacheError("bucket-unavailable", `a page of ${prefix} is empty and says it is cut`);
  }
}
