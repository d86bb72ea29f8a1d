import { randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ClientError } from "../client-error.ts";
import type { HttpBody } from "../gateway/http-client.ts";
import { formatBytes } from "../progress/format-amounts.ts";

/** A buffer for a file. It is written once, and then read in slices any number of times. */
export interface Spool {
  readonly sizeBytes: number;
  /** Appends a chunk. Throws `ClientError` if the disk is full. */
  write(chunk: Uint8Array): Promise<void>;
  /** Returns the bytes from `start` up to and without `end`, as the body of a request. */
  slice(start: number, end: number): HttpBody;
  /** Frees the memory and the disk space. */
  close(): Promise<void>;
}

/** The memory that all spools share. */
export interface SpoolMemory {
  /** Takes `bytes` if they are free. Returns whether it did. */
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

/** The most memory that one spool uses. A larger spool goes to a file. */
const MAX_MEMORY_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

export interface SpoolPlace {
  readonly memory: SpoolMemory;
  readonly directory: string;
  /** The size of the uncompressed NAR, for the message about a full disk. */
  readonly expectedBytes: number;
}

/**
 * Creates a spool. It stays in memory if it is small and memory is free.
 * Otherwise it goes to a file in `directory`. The file's name is removed at once,
 * so that the system frees the file even if this process is killed.
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
    // A new buffer each time, because the HTTP client may still use the last one.
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
      `the disk of ${directory} is full: up to ${formatBytes(expectedBytes)} are needed. Set TMPDIR to a directory with more space`,
    );
  }
  return new ClientError(
    `cannot write temporary files in ${directory}: ${code}. Set TMPDIR to another directory`,
  );
}

/** Returns the directory for temporary files. */
export function spoolDirectory(env: Readonly<Record<string, string | undefined>>): string {
  return env["TMPDIR"] || tmpdir();
}
