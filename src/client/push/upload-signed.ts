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
    // If the gateway cannot answer now, the other way may still work, or says why it does not.
    isPossible: () => (asked ??= api.hasProvingBucket().catch(() => false)),
    failed() {
      failures++;
      if (failures === MAX_FAILURES) asked = Promise.resolve(false);
    },
  };
}

/** Each attempt sends the whole file. In parts, a further attempt sends less. */
const MAX_ATTEMPTS = 2;

/** A signature holds for 15 minutes. */
const OLD_MILLISECONDS = 10 * 60_000;

/** In the minutes of a deployment, an older gateway may answer, which signs no PUT. */
const OTHER_WAY_CODES: ReadonlySet<string | undefined> = new Set([
  "payload-unchecked",
  "no-such-endpoint",
]);

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
      let signedAt = 0;
      // The signature must not expire while the file waits for its turn.
      const sent = await partSlots.run(async () => {
        const upload = await api.startSigned(file);
        signedAt = context.now().getTime();
        if (upload === "stored") return upload;
        if ("sent" in upload) return { handle: upload.sent, answer: undefined };
        const { url, headers, handle } = upload;
        events.onStart(0);
        const body = spool.slice(0, file.sizeBytes);
        const { onSent } = events;
        const put = { method: "PUT", url, headers, body, onSent, attempts: MAX_ATTEMPTS } as const;
        return { handle, answer: await http.send(put) };
      });
      if (sent === "stored") return sentBytes;
      const { handle, answer } = sent;
      if (answer === undefined) events.onStart(file.sizeBytes);
      else sentBytes += file.sizeBytes;
      // The signature may have expired while the file was sent. A new one may refuse for any
      // reason, such as a cap, and then to send the whole file again helps nothing.
      const isOld = context.now().getTime() - signedAt > OLD_MILLISECONDS;
      if (answer?.status === 403 && isOld) continue;
      if (answer !== undefined && answer.status !== 200) return "other-way";
      await completeUpload(handle, { api, context }, events);
      return sentBytes;
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof CacheRefusal && OTHER_WAY_CODES.has(error.code)) return "other-way";
      // The bucket cannot be reached from here. If it is the gateway, the other way says so too.
      if (error instanceof Unreachable) return "other-way";
      if (!(error instanceof UploadGone)) throw error;
    }
  }
  return "other-way";
}
