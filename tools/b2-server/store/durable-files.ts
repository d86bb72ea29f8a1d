import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";

/** A complete file that nothing reads yet. */
export interface StagedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly md5: Buffer;
}

export type Move = readonly [staged: string, name: string];

/**
 * Writing files so that a reader, and a restart after `kill -9`, sees each
 * whole or not at all: bytes go to a staging directory, which is emptied at
 * start, and are renamed into place.
 */
export class DurableFiles {
  readonly #staging: string;
  readonly #durable: boolean;

  private constructor(staging: string, durable: boolean) {
    this.#staging = staging;
    this.#durable = durable;
  }

  /** Empties `staging`. Without `durable`, nothing waits for the disk. */
  static async open(staging: string, durable: boolean): Promise<DurableFiles> {
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { recursive: true });
    return new DurableFiles(staging, durable);
  }

  /** Writes `chunks` to a staged file; if they fail, nothing stays. */
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
   * A staged file with the bytes of `source`, which must never change. A hard
   * link, so that copying gigabytes is free; a copy where links are refused.
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
   * Moves staged files into one directory, in order, so that the last is the
   * commit. Resolves once a power cut keeps them all.
   */
  async publish(directory: string, ...moves: readonly Move[]): Promise<void> {
    for (const [staged, name] of moves) await rename(staged, path.join(directory, name));
    await this.syncDirectory(directory);
  }

  async writeText(directory: string, name: string, text: string): Promise<void> {
    const staged = await this.stage([Buffer.from(text)]);
    await this.publish(directory, [staged.path, name]);
  }

  /** Removes a file or a directory, at once for every reader and restart. */
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
