import type { Transfer } from "../progress/transfer-model.ts";
import type { PackedNar } from "./pack-nar.ts";
import type { PushSession } from "./push-session.ts";
import { uploadNar } from "./upload-nar.ts";

/** Uploads each NAR once, also where several paths have the same contents. */
export interface NarUploads {
  /** As `uploadNar`. */
  upload(nar: PackedNar, transfer: Transfer): Promise<number>;
}

export function createNarUploads(session: PushSession): NarUploads {
  const underWay = new Map<string, Promise<number>>();
  return {
    async upload(nar, transfer) {
      const other = underWay.get(nar.key.path);
      if (other !== undefined) {
        await other;
        return 0;
      }
      const upload = uploadNar(nar, session, transfer);
      underWay.set(nar.key.path, upload);
      return await upload;
    },
  };
}
