import {
  probeBody,
  type ProbeFolder,
  type ProbePut,
  ZEROS_SHA256,
} from "../../checks/payload-probe.ts";
import type { PayloadHeader } from "../../http/payload-header.ts";
import { encodeKey, formatS3Url } from "../../http/s3-url.ts";
import { CONTENT_TYPES } from "../../http/response-headers.ts";
import type { BucketLocation } from "../../settings/bucket-settings.ts";
import type { Bucket } from "./bucket.ts";
import { createProbePaths } from "./incoming-path.ts";
import type { S3Environment } from "./s3-client.ts";
import { readAnswer } from "./read-answer.ts";
import { copyS3Object } from "./s3-copy.ts";
import { readS3Failure } from "./s3-failure.ts";
import { signNarPut } from "./s3-presign.ts";
import { createS3Signer } from "./s3-signer.ts";
import type { UploadAccess } from "./s3-upload.ts";

// 8 MiB at 2 Mbit/s take 34 s.
const TIMEOUT_MILLISECONDS = 40_000;

/** The bucket, and the requests of which it is made. */
interface ProbedBucket {
  readonly bucket: Bucket;
  readonly access: UploadAccess;
}

/**
 * Opens a new folder below `.incoming/` for one probe of `header`. It sends each PUT
 * once: an answer to a second try would say nothing about the first.
 */
export function openS3ProbeFolder(
  config: BucketLocation,
  header: PayloadHeader,
  { bucket, access }: ProbedBucket,
  { fetch, now, sleep }: S3Environment,
): ProbeFolder {
  const paths = createProbePaths();
  const keyOf = (name: string) => config.prefix + paths.of(name);

  async function put(
    request: ProbePut,
    body: ReadableStream<Uint8Array>,
    signal = AbortSignal.timeout(TIMEOUT_MILLISECONDS),
  ): Promise<Response> {
    const { name, sizeBytes, ageSeconds = 0, unsignedHeaders = {} } = request;
    const signedAt = () => new Date(now().getTime() - ageSeconds * 1000);
    const nar = { sha256: ZEROS_SHA256[sizeBytes], sizeBytes, header };
    const { url, headers } = await signNarPut(
      formatS3Url(config, keyOf(name)),
      nar,
      createS3Signer(config, signedAt),
    );
    return await fetch(url, {
      method: "PUT",
      headers: { ...headers, ...unsignedHeaders },
      redirect: "manual",
      body,
      signal,
    });
  }

  return {
    async put(request) {
      const response = await put(request, streamBody(request, request.sizeBytes));
      const answer = await readAnswer(response, `PUT ${request.name}`);
      const { status, code } = await readS3Failure(answer);
      return { status, code };
    },
    async putHalf(request) {
      const half = Math.floor(request.sizeBytes / 2);
      const hangUp = new AbortController();
      const body = streamBody(request, half, () => hangUp.abort());
      // A server that stops reading would hold the body up for ever.
      const timer = setTimeout(() => hangUp.abort(), TIMEOUT_MILLISECONDS);
      // The request ends with the abort, or with a refusal; both are right.
      const response = await put(request, body, hangUp.signal).catch(() => undefined);
      clearTimeout(timer);
      await response?.body?.cancel();
    },
    async copy(from, to) {
      const source = await bucket.head(paths.of(from));
      const copied = await copyS3Object(
        {
          bucket: config.bucket,
          from: keyOf(from),
          to: keyOf(to),
          etag: source?.etag,
          sizeBytes: source?.sizeBytes ?? 0,
          contentType: CONTENT_TYPES.nar,
        },
        access,
      );
      return copied === "copied" ? { status: 200, code: undefined } : { status: 412, code: copied };
    },
    head: (name) => bucket.head(paths.of(name)),
    async list() {
      const { objects } = await bucket.list(paths.folder);
      return objects.map(({ path }) => paths.nameOf(path));
    },
    delete: (name) => bucket.delete(paths.of(name)),
    copySource: (name) => `/${config.bucket}/${encodeKey(keyOf(name))}`,
    sleep,
  };
}

/** Returns a body that announces all its bytes, and calls `onSent` after `sentBytes` of them. */
function streamBody(
  put: ProbePut,
  sentBytes: number,
  onSent: () => void = () => {},
): ReadableStream<Uint8Array> {
  const { sizeBytes } = put;
  const { readable, writable } = new FixedLengthStream(sizeBytes);
  const writer = writable.getWriter();
  async function write(): Promise<void> {
    for (const chunk of probeBody(put, sentBytes)) await writer.write(chunk);
    if (sentBytes === sizeBytes) await writer.close();
    onSent();
  }
  // A server that refuses early ends the reading, and then writing fails.
  write().catch(onSent);
  return readable;
}
