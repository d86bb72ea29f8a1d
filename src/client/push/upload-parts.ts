import { ClientError, describeError } from "../client-error.ts";
import { CacheRefusal, refusalOf } from "../gateway/cache-client.ts";
import type { HttpClient } from "../gateway/http-client.ts";
import type { ProcessContext } from "../process-context.ts";
import { asGone, completeUpload, UploadGone } from "./complete-upload.ts";
import { createPartSigner } from "./part-signer.ts";
import type { Semaphore } from "./push-limits.ts";
import type { Spool } from "./spool.ts";
import type { OpenUpload, UploadApi, UploadFile } from "./upload-api.ts";

export interface PartUploads {
  readonly api: UploadApi;
  /** A client without the token, because the bucket must not see the token. */
  readonly http: HttpClient;
  /** The limit on parts that all uploads share. */
  readonly partSlots: Semaphore;
  readonly context: ProcessContext;
}

export interface UploadEvents {
  /** The upload starts. The bucket already has `bytes` from an earlier run. */
  onStart(bytes: number): void;
  /** The bucket has `bytes` of the whole file. */
  onSent(bytes: number): void;
  /** All parts are sent. The gateway has read back and hashed `bytes`. */
  onChecking(bytes: number): void;
}

interface CountedEvents extends UploadEvents {
  /** The bucket has stored a part of `bytes`. */
  onPart(bytes: number): void;
}

/** The number of parts of one upload that are sent at once. */
const PARTS_AT_ONCE = 4;
/** How often an upload is started: once, and again each time the bucket has forgotten it. */
const MAX_STARTS = 4;
/**
 * Sends a file in parts, straight to the bucket. It sends only the parts that the
 * bucket lacks. Resolves when the gateway has verified the hash of the whole file
 * and the file is stored, with the number of bytes that were sent. Throws
 * `CacheRefusal`, `ClientError` or `Unreachable`.
 */
export async function uploadInParts(
  file: UploadFile,
  spool: Spool,
  uploads: PartUploads,
  events: UploadEvents,
): Promise<number> {
  let sentBytes = 0;
  const counting = {
    ...events,
    onPart(bytes: number) {
      sentBytes += bytes;
    },
  };
  for (let starts = 1; ; starts++) {
    const upload = await uploads.api.start(file);
    if (upload === "stored") return sentBytes;
    try {
      await sendMissingParts(file, spool, upload, uploads, counting);
      await completeUpload(upload.handle, uploads, {
        onChecking: counting.onChecking,
        async onIncomplete() {
          const parts = await uploads.api.listParts(upload.handle);
          await sendMissingParts(file, spool, { ...upload, parts }, uploads, counting);
        },
      });
      return sentBytes;
    } catch (error) {
      if (!(error instanceof UploadGone) && !isOfEarlierParts(error, upload)) throw error;
      if (starts === MAX_STARTS)
        throw new ClientError(
          `the upload was lost ${MAX_STARTS} times: ${describeError(error).replace(/\.$/, "")}. Push again; if it happens again, check the bucket's lifecycle rules`,
        );
    }
  }
}

/**
 * Returns whether the hash is wrong and an earlier run sent some of the parts:
 * they were damaged. The gateway has removed all parts.
 */
function isOfEarlierParts(error: unknown, { parts }: OpenUpload): boolean {
  return error instanceof CacheRefusal && error.code === "nar-hash-mismatch" && parts.size > 0;
}

async function sendMissingParts(
  { sizeBytes }: UploadFile,
  spool: Spool,
  upload: OpenUpload,
  { api, http, partSlots, context }: PartUploads,
  { onStart, onSent, onPart }: CountedEvents,
): Promise<void> {
  const { partSizeBytes } = upload;
  const startOf = (number: number) => (number - 1) * partSizeBytes;
  const endOf = (number: number) => Math.min(sizeBytes, number * partSizeBytes);
  const sizeOf = (number: number) => endOf(number) - startOf(number);
  const missing: number[] = [];
  let sentBytes = 0;
  for (let number = 1; startOf(number) < sizeBytes; number++) {
    if (upload.parts.get(number) === sizeOf(number)) sentBytes += sizeOf(number);
    else missing.push(number);
  }
  const signer = createPartSigner(upload, missing, api, context.now);
  onStart(sentBytes);

  async function sendPart(number: number): Promise<void> {
    let sentOfPart = 0;
    const onPartSent = (bytes: number) => {
      sentBytes += bytes - sentOfPart;
      sentOfPart = bytes;
      onSent(sentBytes);
    };
    for (let attempt = 1; ; attempt++) {
      const url = await signer.urlOf(number);
      const answer = await http.send({
        method: "PUT",
        url,
        body: spool.slice(startOf(number), endOf(number)),
        onSent: onPartSent,
      });
      if (answer.status === 200) return onPart(sizeOf(number));
      onPartSent(0);
      if (answer.status === 404) throw new UploadGone("NoSuchUpload");
      // The signature has probably expired. Try again with a new URL.
      if (answer.status !== 403 || attempt === 3) throw refusedPart(number, answer);
      signer.renounce(number);
    }
  }

  const queue = [...missing];
  let hasFailed = false;
  const work = async () => {
    for (let number = queue.shift(); number !== undefined && !hasFailed; number = queue.shift()) {
      const next = number;
      try {
        await partSlots.run(() => sendPart(next));
      } catch (error) {
        hasFailed = true;
        throw asGone(error);
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, work));
  for (const worker of workers) if (worker.status === "rejected") throw worker.reason;
}

function refusedPart(number: number, answer: Parameters<typeof refusalOf>[1]): ClientError {
  // A ClientError and not a CacheRefusal: the bucket refused, not the gateway. So this path fails
  // and the push continues with the others.
  return new ClientError(`part ${number}: ${refusalOf("the bucket", answer).message}`);
}
