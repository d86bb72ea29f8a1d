import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
import { ClientError, describeError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";

type Chunks = AsyncIterable<Uint8Array>;

/**
 * This machine cannot unpack the NAR: the program is not installed or was killed, or the NAR
 * needs more memory than is given to it. That says nothing about the NAR.
 */
export class NoUnpacker extends ClientError {}

/**
 * Programs that unpack standard input to standard output. xz gets a limit for its memory,
 * because the file says how much it needs: `xz -9` needs 65 MiB.
 */
const PROGRAMS: ReadonlyMap<string, readonly string[]> = new Map([
  ["xz", ["xz", "-dc", "--memlimit-decompress=512MiB"]],
  ["lzma", ["xz", "-dc", "--format=lzma", "--memlimit-decompress=512MiB"]],
  ["bzip2", ["bzip2", "-dc"]],
  ["lzip", ["lzip", "-dc"]],
  ["lz4", ["lz4", "-dc"]],
  ["zstd frames", ["zstd", "-dc", "--memory=512MB"]],
]);

/**
 * Unpacks a NAR file as a stream. Of a zstd file Node unpacks the first frame only;
 * `zstd frames` unpacks all, with a program. Throws `NoUnpacker`, and another error if the file
 * is damaged. An error of `file` passes through.
 */
export async function* unpackNar(
  file: Chunks,
  compression: string,
  context: Pick<ProcessContext, "env" | "signal">,
): AsyncGenerator<Uint8Array, void> {
  const command = PROGRAMS.get(compression);
  if (command !== undefined) yield* throughProgram(file, command, context);
  else if (compression === "none") yield* file;
  else yield* throughTransform(file, createTransform(compression));
}

function createTransform(compression: string) {
  switch (compression) {
    case "zstd":
      return zlib.createZstdDecompress();
    case "gzip":
      return zlib.createGunzip();
    case "br":
      return zlib.createBrotliDecompress();
    default:
      throw new NoUnpacker(`nargate cannot unpack ${compression}`);
  }
}

async function* throughTransform(
  file: Chunks,
  transform: ReturnType<typeof createTransform>,
): AsyncGenerator<Uint8Array, void> {
  // Its failure destroys the transform, so that reading from it throws the same error.
  const feeding = pipeline(Readable.from(file), transform);
  feeding.catch(() => {});
  yield* transform as Chunks;
  await feeding;
}

async function* throughProgram(
  file: Chunks,
  [program = "", ...args]: readonly string[],
  { env, signal }: Pick<ProcessContext, "env" | "signal">,
): AsyncGenerator<Uint8Array, void> {
  const child = spawn(program, args, { env: { PATH: env["PATH"] }, signal });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (said.length < 1000) said += chunk.toString();
  });
  const ended = once(child, "close");
  ended.catch(() => {});
  // If the program ends before the file, that is its verdict about the file: EPIPE says less.
  let failure: Error | undefined;
  const feeding = pipeline(Readable.from(file), child.stdin).catch((error: unknown) => {
    if (!isClosedPipe(error)) failure = error as Error;
    child.kill("SIGKILL");
  });
  try {
    yield* child.stdout as Chunks;
    const [code, killer] = await ended.catch((error: unknown) => {
      signal.throwIfAborted();
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      throw new NoUnpacker(
        isMissing
          ? `${program} is not on the PATH. Install it, and run the command again`
          : `${program} cannot be started: ${describeError(error)}`,
      );
    });
    await feeding;
    if (failure !== undefined) throw failure;
    if (code === null && killer !== "SIGPIPE") throw new NoUnpacker(`${program} got ${killer}`);
    const [line = ""] = said.trim().split("\n");
    // xz, zstd, bzip2 and lzip all use this word for it.
    if (code !== 0 && /\bmemory\b/i.test(line)) throw new NoUnpacker(line);
    if (code !== 0) throw new Error(line || `${program} ended with ${code}`);
  } finally {
    child.kill("SIGKILL");
  }
}

/** Whether Node's zstd refuses a file that the program may unpack: it needs more than 128 MB. */
export function needsMoreMemory(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ZSTD_error_frameParameter_windowTooLarge";
}

function isClosedPipe(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ECONNRESET";
}
