import { randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ClientError } from "../client-error.ts";
import type { HttpBody } from "../gateway/http-client.ts";
import { formatBytes } from "../progress/format-amounts.ts";

/** Bytes that are written once and then read in slices, any number of times. */
export interface Spool {
  readonly sizeBytes: number;
  /** Throws `ClientError` when the disk is full. */
  write(chunk: Uint8Array): Promise<void>;
  /** The bytes from `start` up to but without `end`, as the body of a request. */
  slice(start: number, end: number): HttpBody;
  /** Gives back memory and disk. */
  close(): Promise<void>;
}

/** The memory of all spools together. */
export interface SpoolMemory {
  /** Whether `bytes` more fit; they are then taken. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

export function createSpoolMemory(limitBytes: number): SpoolMemory {
  let taken = 0;
  return {
    take(bytes) {
      if (taken + bytes > limitBytes) return false;
      taken += bytes;
      return true;
    },
    give(bytes) {
      taken -= bytes;
    },
  };
}

/** A spool alone may hold so much in memory; what is larger goes to a file. */
const MAX_MEMORY_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

export interface SpoolPlace {
  readonly memory: SpoolMemory;
  readonly directory: string;
  /** For the message when the disk is full. */
  readonly expectedBytes: number;
}

/**
 * Small ones stay in memory as long as there is some; the others go to a file
 * in `directory`, which loses its name at once: whatever kills this process,
 * nothing stays behind.
 */
export function createSpool({ memory, directory, expectedBytes }: SpoolPlace): Spool {
  let chunks: Uint8Array[] = [];
  let inMemory = 0;
  let sizeBytes = 0;
  let file: FileHandle | undefined;

  async function append(chunk: Uint8Array): Promise<void> {
    file ??= await openUnnamed(directory, expectedBytes);
    try {
      for (let done = 0; done < chunk.byteLength;) {
        done += (await file.write(chunk, done)).bytesWritten;
      }
    } catch (error) {
      throw explain(error, directory, expectedBytes);
    }
  }

  function forget(): void {
    memory.give(inMemory);
    inMemory = 0;
    chunks = [];
  }

  return {
    get sizeBytes() {
      return sizeBytes;
    },
    async write(chunk) {
      const { byteLength } = chunk;
      if (
        file === undefined &&
        inMemory + byteLength <= MAX_MEMORY_BYTES &&
        memory.take(byteLength)
      ) {
        chunks.push(chunk);
        inMemory += byteLength;
      } else {
        for (const held of chunks) await append(held);
        forget();
        await append(chunk);
      }
      sizeBytes += byteLength;
    },
    slice(start, end) {
      return {
        sizeBytes: end - start,
        open: () =>
          file === undefined ? sliceChunks(chunks, start, end) : sliceFile(file, start, end),
      };
    },
    async close() {
      forget();
      await file?.close();
      file = undefined;
    },
  };
}

async function* sliceChunks(chunks: readonly Uint8Array[], start: number, end: number) {
  let at = 0;
  for (const chunk of chunks) {
    const slice = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
    if (slice.byteLength > 0) yield slice;
    at += chunk.byteLength;
  }
}

async function* sliceFile(file: FileHandle, start: number, end: number) {
  for (let at = start; at < end;) {
    // A fresh one each time: who sends it may still hold the last.
    const buffer = new Uint8Array(Math.min(READ_BYTES, end - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, at);
    if (bytesRead === 0) throw new Error("the temporary file ended early");
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

async function openUnnamed(directory: string, expectedBytes: number): Promise<FileHandle> {
  const name = path.join(directory, `nargate-${randomUUID()}`);
  try {
    const file = await open(name, "wx+", 0o600);
    await rm(name);
    return file;
  } catch (error) {
    throw explain(error, directory, expectedBytes);
  }
}

function explain(error: unknown, directory: string, expectedBytes: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new ClientError(
      `no room in ${directory}: up to ${formatBytes(expectedBytes)} are needed; set TMPDIR to where they are`,
    );
  }
  return new ClientError(`cannot write temporary files in ${directory}: ${code}; set TMPDIR`);
}

/** Where temporary files go. */
export function spoolDirectory(env: Readonly<Record<string, string | undefined>>): string {
  return env["TMPDIR"] || tmpdir();
}
