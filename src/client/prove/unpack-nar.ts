import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
import { ClientError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";

type Chunks = AsyncIterable<Uint8Array>;

/** The program that would unpack a NAR is not installed, or none is known. */
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
 * `zstd frames` unpacks all, with a program. Throws `NoUnpacker` if a program is missing, and another
 * error if the file is damaged. An error of `file` passes through.
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
    const [code] = await ended.catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      throw new NoUnpacker(`${program} is not on the PATH. Install it, and run the command again`);
    });
    await feeding;
    if (failure !== undefined) throw failure;
    if (code !== 0) throw new Error(said.trim().split("\n")[0] || `${program} ended with ${code}`);
  } finally {
    child.kill("SIGKILL");
  }
}

function isClosedPipe(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ECONNRESET";
}
