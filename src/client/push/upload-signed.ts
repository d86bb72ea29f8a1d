import { CacheRefusal } from "../gateway/cache-client.ts";
import { Unreachable } from "../gateway/http-client.ts";
import { completeUpload, UploadGone } from "./complete-upload.ts";
import type { Spool } from "./spool.ts";
import type { UploadApi, UploadFile } from "./upload-api.ts";
import type { PartUploads, UploadEvents } from "./upload-parts.ts";

/** Whether this push sends large NARs by signed PUTs. */
export interface Signing {
  /** Asks the gateway once. */
  isPossible(): Promise<boolean>;
  /** Counts a NAR that could not be sent so. After a few of them, the push sends no further one so. */
  failed(): void;
}

/** The bucket may fail for a moment; but it may also be out of reach from this network. */
const MAX_FAILURES = 3;

export function createSigning(api: Pick<UploadApi, "hasProvingBucket">): Signing {
  let asked: Promise<boolean> | undefined;
  let failures = 0;
  return {
    isPossible: () => (asked ??= api.hasProvingBucket()),
    failed() {
      failures++;
      if (failures === MAX_FAILURES) asked = Promise.resolve(false);
    },
  };
}

/** Each attempt sends the whole file. In parts, a further attempt sends less. */
const MAX_ATTEMPTS = 2;

/** How often an upload is started: once, and again if a signature expires or the object is gone. */
const MAX_STARTS = 3;

/**
 * Sends a file in one PUT, straight to a bucket that proves its bytes, so that nobody reads
 * it back. Resolves with the number of bytes that were sent once the file is stored, or with
 * "other-way" if it cannot be sent so: the caller then sends it in parts or through the
 * gateway, where a cut upload goes on. Throws if the gateway cannot be reached, or refuses.
 */
export async function uploadSigned(
  file: UploadFile,
  spool: Spool,
  { api, http, partSlots, context }: PartUploads,
  events: UploadEvents,
): Promise<number | "other-way"> {
  let sentBytes = 0;
  for (let starts = 1; starts <= MAX_STARTS; starts++) {
    try {
      const upload = await api.startSigned(file);
      if (upload === "stored") return sentBytes;
      if ("sent" in upload) {
        events.onStart(file.sizeBytes);
        await completeUpload(upload.sent, { api, context }, events);
        return sentBytes;
      }
      const { url, headers, handle } = upload;
      events.onStart(0);
      const body = spool.slice(0, file.sizeBytes);
      const answer = await partSlots.run(() =>
        http.send({
          method: "PUT",
          url,
          headers,
          body,
          onSent: events.onSent,
          attempts: MAX_ATTEMPTS,
        }),
      );
      sentBytes += file.sizeBytes;
      // The signature may have expired while the file was sent.
      if (answer.status === 403) continue;
      if (answer.status !== 200) return "other-way";
      await completeUpload(handle, { api, context }, events);
      return sentBytes;
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof CacheRefusal && error.code === "payload-unchecked") return "other-way";
      // The bucket cannot be reached from here. If it is the gateway, the other way says so too.
      if (error instanceof Unreachable) return "other-way";
      if (!(error instanceof UploadGone)) throw error;
    }
  }
  return "other-way";
}
