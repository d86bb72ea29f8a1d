import type { BucketLocation } from "../../settings/bucket-settings.ts";
import { CacheError } from "../cache-error.ts";
import { formatByteRange } from "../../http/request-headers.ts";
import {
  type Bucket,
  type BucketMeter,
  isListed,
  type ListPage,
  type StoredHead,
  type StoredRange,
} from "./bucket.ts";
import type { BucketPath } from "./incoming-path.ts";
import { AnswerTooLarge } from "./read-answer.ts";
import { READ_RETRIES, SMALL_READ_RETRIES, WRITE_RETRIES } from "../../http/retry.ts";
import type { S3Client, S3Request } from "./s3-client.ts";
import { COPY_LIMITS, type CopyLimits, copyS3Object } from "./s3-copy.ts";
import { isCapExceeded, readS3Failure, toCacheError } from "./s3-failure.ts";
import type { S3Presigner } from "./s3-presign.ts";
import { readListing } from "./s3-result.ts";
import { createS3Upload, openS3Upload, storedHeaders, type UploadAccess } from "./s3-upload.ts";
import { readElement, readElements } from "../../http/s3-xml.ts";

/** Keys are ASCII here, so bytes are characters. */
const MAX_KEY_BYTES = 1024;

/** What speaks to one bucket for all requests together. */
export interface S3Access {
  readonly send: S3Client;
  readonly presign: S3Presigner;
  readonly copyLimits?: CopyLimits;
}

/** Backblaze B2 by its S3 API, below the configured prefix. */
export function createB2Bucket(
  config: BucketLocation,
  { send, presign, copyLimits = COPY_LIMITS }: S3Access,
  meter: BucketMeter,
): Bucket {
  const uploads: UploadAccess = { send: (request) => send(request, meter), presign };

  async function ask(
    method: "GET" | "HEAD",
    path: BucketPath,
    options: Omit<S3Request, "method" | "key">,
  ) {
    // No object can have such a key, so it is absent; asking would be answered 400.
    if (config.prefix.length + path.length > MAX_KEY_BYTES) return undefined;
    const response = await send({ ...options, method, key: config.prefix + path }, meter);
    if (response.status === 200 || response.status === 206) return response;
    const failure = await readS3Failure(response);
    if (failure.status === 416) throw new CacheError("range-not-satisfiable", `GET ${path}`);
    if (failure.status === 403) return await resolveForbidden(path, isCapExceeded(failure));
    // A GET's 404 must say NoSuchKey: NoSuchBucket, or a page of some other
    // server, proves nothing. A HEAD's has no body to ask.
    if (failure.status === 404 && (method === "HEAD" || failure.code === "NoSuchKey"))
      return undefined;
    throw toCacheError(`${method} ${path}`, failure);
  }

  /**
   * B2 answers 403 for a cap, for a bad key, and for a missing object when the
   * key lacks listFiles. Listing that one key tells them apart.
   */
  async function resolveForbidden(path: BucketPath, capExceeded: boolean): Promise<undefined> {
    if (!(await isListed({ list }, path))) return undefined;
    throw new CacheError(
      capExceeded ? "bucket-cap-exceeded" : "bucket-unavailable",
      `${path} is listed but was refused with 403: a cap, or a key without readFiles`,
      { retryAfterSeconds: capExceeded ? 600 : 30 },
    );
  }

  async function list(
    start: string,
    options: { limit?: number; continuation?: string } = {},
  ): Promise<ListPage> {
    const response = await send(
      {
        method: "GET",
        key: "",
        query: {
          "list-type": "2",
          prefix: config.prefix + start,
          "max-keys": String(options.limit ?? 1000),
          ...(options.continuation === undefined
            ? {}
            : { "continuation-token": options.continuation }),
        },
        retries: READ_RETRIES,
      },
      meter,
    );
    if (response.status !== 200) {
      const failure = await readS3Failure(response);
      const what =
        failure.status === 403
          ? "ListObjectsV2 was refused: the keys are wrong, or the application key lacks listFiles;"
          : "ListObjectsV2";
      throw toCacheError(what, failure);
    }
    const xml = await readListing(response, "ListBucketResult");
    return {
      objects: readElements(xml, "Contents").map((contents) => ({
        path: (readElement(contents, "Key") ?? "").slice(config.prefix.length),
        sizeBytes: Number(readElement(contents, "Size")),
        lastModified: parseTime(readElement(contents, "LastModified")),
      })),
      continuation: readElement(xml, "NextContinuationToken"),
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
        throw new CacheError("bucket-unavailable", `${path}: a 206 without a usable Content-Range`);
      }
      return { ...headOf(response), range, body: response.body ?? new Blob([]).stream() };
    },

    async read(path, maxBytes) {
      let response: Response | undefined;
      try {
        response = await ask("GET", path, {
          maxAnswerBytes: maxBytes,
          retries: SMALL_READ_RETRIES,
        });
      } catch (error) {
        if (error instanceof AnswerTooLarge) return "too-large";
        throw error;
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
          retries: WRITE_RETRIES,
        },
        meter,
      );
      if (response.status !== 200) throw toCacheError(`PUT ${path}`, await readS3Failure(response));
      await response.body?.cancel();
    },

    async delete(path) {
      const key = config.prefix + path;
      const response = await send({ method: "DELETE", key, retries: WRITE_RETRIES }, meter);
      if (response.status === 204 || response.status === 200 || response.status === 404) {
        await response.body?.cancel();
        return;
      }
      throw toCacheError(`DELETE ${path}`, await readS3Failure(response));
    },

    list,

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

const NOT_AN_ENCODING = new Set(["", "identity", "aws-chunked", "none"]);

function headOf(response: Response): StoredHead {
  const length = response.headers.get("content-length");
  const encodings = (response.headers.get("content-encoding") ?? "")
    .split(",")
    .map((encoding) => encoding.trim().toLowerCase())
    .filter((encoding) => !NOT_AN_ENCODING.has(encoding));
  return {
    sizeBytes: length === null ? undefined : Number(length),
    etag: response.headers.get("etag") ?? undefined,
    lastModified: response.headers.get("last-modified") ?? undefined,
    contentEncoding: encodings.length === 0 ? undefined : encodings.join(", "),
  };
}

function parseTime(text: string | undefined): Date | undefined {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? undefined : new Date(time);
}

function rangeOf(response: Response): StoredRange | "unusable" | undefined {
  if (response.status !== 206) return undefined;
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  if (match === null) return "unusable";
  return { first: Number(match[1]), last: Number(match[2]), sizeBytes: Number(match[3]) };
}
