import { retryPauseMilliseconds } from "../../http/retry.ts";
import { ClientError, describeError } from "../client-error.ts";
import { CacheRefusal, refusalOf } from "../gateway/cache-client.ts";
import { type HttpClient, Unreachable } from "../gateway/http-client.ts";
import type { ProcessContext } from "../process-context.ts";
import { createPartSigner } from "./part-signer.ts";
import type { Semaphore } from "./push-limits.ts";
import type { Spool } from "./spool.ts";
import type { CompletionEvent, OpenUpload, UploadApi, UploadFile } from "./upload-api.ts";

export interface PartUploads {
  readonly api: UploadApi;
  /** Without the token, which is not for the bucket. */
  readonly http: HttpClient;
  /** Of all uploads together. */
  readonly partSlots: Semaphore;
  readonly context: ProcessContext;
}

export interface UploadEvents {
  /** So many bytes are there already, from an earlier try. */
  onStart(bytes: number): void;
  /** Bytes that the bucket has, of the whole file. */
  onSent(bytes: number): void;
  /** All is sent; the gateway reads it back. */
  onChecking(bytes: number): void;
}

interface CountedEvents extends UploadEvents {
  /** The bucket has taken a part. */
  onPart(bytes: number): void;
}

/** How many parts of one upload are under way at once. */
const PARTS_AT_ONCE = 4;
/** How often an upload that the bucket has forgotten is begun again, and a question is asked again. */
const MAX_STARTS = 4;
const MAX_COMPLETIONS = 8;

/** The bucket does not know this upload any more, or the gateway not its handle. */
class UploadGone extends Error {}

/**
 * Sends a file in parts, straight to the bucket: those that it lacks, whoever
 * sent the others. Resolves once the whole is proved and stored, with the bytes
 * that had to be sent. Throws `CacheRefusal`, `ClientError` or `Unreachable`.
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
      await complete(file, spool, upload, uploads, counting);
      return sentBytes;
    } catch (error) {
      if (!(error instanceof UploadGone) && !isOfEarlierParts(error, upload)) throw error;
      if (starts === MAX_STARTS)
        throw new ClientError(`the bucket keeps losing the upload: ${describeError(error)}`);
    }
  }
}

/** An earlier try sent parts that were damaged; the gateway has removed them all by now. */
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
      // An expired signature, most likely: a fresh one tells.
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

async function complete(
  file: UploadFile,
  spool: Spool,
  upload: OpenUpload,
  uploads: PartUploads,
  events: CountedEvents,
): Promise<void> {
  const { api, context } = uploads;
  let resent = 0;
  for (let count = 1; ; count++) {
    let last: CompletionEvent | undefined;
    let failure: unknown = new ClientError("the gateway's answer was cut");
    try {
      last = await api.complete(upload.handle, (event) => {
        if (event.status === "checking") events.onChecking(event.bytes);
        last = event;
      });
    } catch (error) {
      context.signal.throwIfAborted();
      failure = asGone(error);
      if (error instanceof CacheRefusal && error.code === "upload-incomplete" && resent++ < 2) {
        const parts = await api.listParts(upload.handle).catch((reason: unknown) => {
          throw asGone(reason);
        });
        await sendMissingParts(file, spool, { ...upload, parts }, uploads, events);
        continue;
      }
      if (!(error instanceof Unreachable)) throw failure;
    }
    if (last?.status === "stored") return;
    if (last?.status === "failed") {
      failure = asGone(new CacheRefusal(last.message, 200, last.code));
      if (!isPassing(last.code)) throw failure;
    }
    if (count === MAX_COMPLETIONS) throw failure;
    await context.sleep(retryPauseMilliseconds(count, 0, context.random));
  }
}

/** What a later attempt may not meet again. */
function isPassing(code: string): boolean {
  return code === "bucket-unavailable" || code === "internal" || code === "uploads-busy";
}

/** What the gateway answers with "start again". */
const GONE_CODES: ReadonlySet<string | undefined> = new Set([
  "upload-gone",
  "upload-changed",
  "handle-invalid",
  "handle-of-another",
]);

function asGone(error: unknown): unknown {
  if (!(error instanceof CacheRefusal)) return error;
  return GONE_CODES.has(error.code) ? new UploadGone(error.message) : error;
}

function refusedPart(number: number, answer: Parameters<typeof refusalOf>[1]): ClientError {
  // The bucket's words, not the gateway's: they stop this path, and not the others.
  return new ClientError(`part ${number}: ${refusalOf("the bucket", answer).message}`);
}
