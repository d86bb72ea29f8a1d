import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";

/** A complete file in the staging directory, not published yet. */
export interface StagedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly md5: Buffer;
}

/** A staged file, and the name it gets when it is published. */
export type Move = readonly [staged: string, name: string];

/**
 * Writes files atomically: a reader sees a file completely or not at all, also
 * after `kill -9` and a restart. Bytes first go to a staging directory and are
 * then renamed to their place. The staging directory is emptied at every start.
 */
export class DurableFiles {
  readonly #staging: string;
  readonly #durable: boolean;

  private constructor(staging: string, durable: boolean) {
    this.#staging = staging;
    this.#durable = durable;
  }

  /** Empties the staging directory. Without `durable`, writes do not wait for the disk. */
  static async open(staging: string, durable: boolean): Promise<DurableFiles> {
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { recursive: true });
    return new DurableFiles(staging, durable);
  }

  /** Writes `chunks` to a staged file. Removes the file if reading the chunks fails. */
  async stage(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<StagedFile> {
    const staged = this.#stagedPath();
    const md5 = createHash("md5");
    let sizeBytes = 0;
    const file = await open(staged, "wx");
    try {
      for await (const chunk of chunks) {
        md5.update(chunk);
        sizeBytes += chunk.byteLength;
        await writeWhole(file, chunk);
      }
      if (this.#durable) await file.sync();
    } catch (error) {
      await rm(staged, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    return { path: staged, sizeBytes, md5: md5.digest() };
  }

  /**
   * Stages a file with the bytes of `source`, which must never change afterwards.
   * Makes a hard link, so that copying gigabytes costs nothing. Copies the bytes if
   * the file system does not support hard links.
   */
  async stageLink(source: string): Promise<string> {
    const staged = this.#stagedPath();
    try {
      await link(source, staged);
      return staged;
    } catch {
      return (await this.stage(createReadStream(source))).path;
    }
  }

  /**
   * Moves staged files into a directory, in the given order, so that the last move
   * completes the write. Resolves once the files would survive a power failure.
   */
  async publish(directory: string, ...moves: readonly Move[]): Promise<void> {
    for (const [staged, name] of moves) await rename(staged, path.join(directory, name));
    await this.syncDirectory(directory);
  }

  async writeText(directory: string, name: string, text: string): Promise<void> {
    const staged = await this.stage([Buffer.from(text)]);
    await this.publish(directory, [staged.path, name]);
  }

  /** Removes a file or a directory atomically, also if the server is killed meanwhile. */
  async remove(final: string): Promise<void> {
    const doomed = this.#stagedPath();
    await rename(final, doomed);
    await this.syncDirectory(path.dirname(final));
    await rm(doomed, { recursive: true, force: true });
  }

  async syncDirectory(directory: string): Promise<void> {
    if (!this.#durable) return;
    const handle = await open(directory, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  #stagedPath(): string {
    return path.join(this.#staging, randomBytes(16).toString("hex"));
  }
}

async function writeWhole(
  file: { write(chunk: Uint8Array): Promise<{ bytesWritten: number }> },
  chunk: Uint8Array,
): Promise<void> {
  let rest = chunk;
  while (rest.byteLength > 0) {
    const { bytesWritten } = await file.write(rest);
    rest = rest.subarray(bytesWritten);
  }
}
