import { fstatSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import { ClientError } from "../client-error.ts";
import type { NarBlocks } from "./nar-blocks.ts";

const readLater = promisify(read);

/** A larger file is read asynchronously, so that a slow disk does not stop the uploads. */
const MAX_SYNC_BYTES = 128 * 1024;

export interface OpenFile {
  readonly fd: number;
  /** For messages. */
  readonly path: Buffer;
  /** The size that the NAR announces. */
  readonly sizeBytes: number;
}

/**
 * Reads the contents of a file into `blocks`, and yields the blocks that become
 * full if the file is large. Throws `ClientError` if the file does not have the
 * announced size any more.
 */
export async function* readContents(
  { fd, path, sizeBytes }: OpenFile,
  blocks: NarBlocks,
): AsyncGenerator<Uint8Array> {
  if (!fstatSync(fd).isFile()) throw changed(path);
  const isSmall = sizeBytes <= MAX_SYNC_BYTES;
  for (let rest = sizeBytes; rest > 0;) {
    const space = blocks.space();
    const length = Math.min(space.byteLength, rest);
    const bytesRead = isSmall
      ? readSync(fd, space, 0, length, null)
      : (await readLater(fd, space, 0, length, null)).bytesRead;
    if (bytesRead === 0) throw changed(path);
    blocks.filled(bytesRead);
    rest -= bytesRead;
    if (!isSmall) yield* blocks.takeFull();
  }
  if (fstatSync(fd).size !== sizeBytes) throw changed(path);
}

function changed(path: Buffer): ClientError {
  return new ClientError(`the file ${path.toString()} changed while it was read`);
}
