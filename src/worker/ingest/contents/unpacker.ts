import type { Engine, EngineFormat, Engines, OnUnpacked } from "./engine.ts";

/** Unpacks one file. After a call has thrown, only `close` may be called. */
export interface Unpacker {
  /** Unpacks the next bytes of the file. They may change once this resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the file. */
  end(): Promise<void>;
  /** Gives the memory back. */
  close(): void;
}

/** The reason why a file does not unpack. */
export class UnpackError extends Error {
  /**
   * - "damaged": no program unpacks this file to its end.
   * - "refused": the gateway refuses the file, and another program may unpack it.
   * - "unsupported": the file is sound so far, and needs more memory or CPU than the
   *   gateway gives it.
   */
  readonly kind: "damaged" | "refused" | "unsupported";

  constructor(kind: UnpackError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UnpackError";
    this.kind = kind;
  }
}

/**
 * The most frames that may begin in the midst of a piece. Each takes an engine of its own.
 * Nix and nargate write one frame, pzstd writes one for some megabytes.
 */
const MAX_FRAMES = 100;

interface Format {
  /** Whether a file may begin with these bytes. */
  begins(bytes: Uint8Array): boolean;
  /** Whether several compressed files in a row are a file, as for libarchive, which Nix uses. */
  readonly hasFrames: boolean;
  /** Whether a failure is the file's own. workerd refuses a gzip file that other bytes follow, unlike libarchive. */
  readonly isStrict: boolean;
}

const FORMATS: Readonly<Record<EngineFormat, Format>> = {
  zstd: {
    // A frame, or a skippable frame (RFC 8878, 3.1). Fewer bytes stand at the end of a
    // piece: the engine judges them.
    begins(bytes) {
      if (bytes.byteLength < 4) return true;
      const magic = littleEndian(bytes.subarray(0, 4));
      return magic === 0xfd2fb528 || (magic >= 0x184d2a50 && magic <= 0x184d2a5f);
    },
    hasFrames: true,
    isStrict: true,
  },
  gzip: {
    begins: (bytes) => bytes.byteLength < 2 || littleEndian(bytes.subarray(0, 2)) === 0x8b1f,
    hasFrames: true,
    isStrict: false,
  },
  br: { begins: () => true, hasFrames: false, isStrict: true },
};

/** The compressions of Nix that this runtime can unpack. xz and bzip2 are not among them. */
export type UnpackableCompression = EngineFormat | "none";

export function isUnpackable(compression: string): compression is UnpackableCompression {
  return compression === "none" || Object.hasOwn(FORMATS, compression);
}

export function createUnpacker(
  compression: UnpackableCompression,
  engines: Engines,
  onUnpacked: OnUnpacked,
): Unpacker {
  return compression === "none"
    ? { write: async (bytes) => void onUnpacked(bytes), end: async () => {}, close() {} }
    : createFrameUnpacker(compression, engines, onUnpacked);
}

function createFrameUnpacker(
  name: EngineFormat,
  engines: Engines,
  onUnpacked: OnUnpacked,
): Unpacker {
  const format = FORMATS[name];
  let engine: Engine | undefined;
  let frames = 0;
  let isStopped = false;
  const take: OnUnpacked = (bytes) => {
    isStopped ||= !onUnpacked(bytes);
    return !isStopped;
  };
  const isDone = (rest: Uint8Array) => isStopped || rest.byteLength === 0;

  function begin(bytes: Uint8Array): Engine {
    if (!format.begins(bytes)) {
      throw frames === 0
        ? new UnpackError("refused", `it does not begin as ${name}`)
        : new UnpackError("damaged", "other bytes follow its end");
    }
    if (name === "br" && needsLargeWindow(bytes)) throw tooMuchMemory();
    if (++frames > MAX_FRAMES) throw new UnpackError("unsupported", "it has too many frames");
    const acquired = engines.acquire(name);
    acquired.begin(take);
    return acquired;
  }

  function close(): void {
    if (engine !== undefined) engines.release(engine);
    engine = undefined;
  }

  /** Runs a call of the engine, and names its failure. */
  async function run<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw toUnpackError(error, name);
    }
  }

  return {
    async write(bytes) {
      let rest = bytes;
      while (!isDone(rest)) {
        engine ??= begin(rest);
        const used = await run(engine.write(rest));
        if (isDone(rest.subarray(used))) return;
        if (!format.hasFrames) throw new UnpackError("refused", "other bytes follow its end");
        close();
        rest = rest.subarray(used);
      }
    },
    async end() {
      if (!isStopped && engine !== undefined) await run(engine.end());
    },
    close,
  };
}

function toUnpackError(error: unknown, name: EngineFormat): UnpackError {
  const cause = error instanceof Error ? error : new Error(String(error));
  // ZSTD_error_frameParameter_windowTooLarge has no code of its own in workerd.
  if (cause.message.includes("too much memory")) return tooMuchMemory(cause);
  if (/unexpected end of file/i.test(cause.message)) {
    return new UnpackError("damaged", `its ${name} data is cut`, { cause });
  }
  const kind = FORMATS[name].isStrict ? "damaged" : "refused";
  return new UnpackError(kind, `it is no sound ${name} file`, { cause });
}

function tooMuchMemory(cause?: Error): UnpackError {
  return new UnpackError("unsupported", "to unpack it takes more than 8 MiB of memory", { cause });
}

/** Whether a brotli file has a window of 16 MiB: its first bits are 1 and 111 (RFC 7932, 9.1). */
function needsLargeWindow(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0b1111) === 0b1111;
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
