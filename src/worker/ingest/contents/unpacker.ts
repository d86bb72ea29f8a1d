import zlib from "node:zlib";

/** Unpacks one file. After a call has thrown, only `close` may be called. */
export interface Unpacker {
  /** Unpacks the next bytes of the file. They may change once this resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the file. */
  end(): Promise<void>;
  /** Gives the memory back. */
  close(): void;
}

/** Takes unpacked bytes. Returns whether the unpacker shall go on. */
export type OnUnpacked = (bytes: Uint8Array) => boolean;

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
 * The most memory that a file may ask for, as a power of two: 8 MiB. `zstd -19`, and Nix
 * at any level up to 19, asks for no more. `zstd --ultra -22` asks for 128 MiB, all that
 * an isolate has (law 7).
 */
const MAX_WINDOW_LOG = 23;

/** Larger pieces are no faster, smaller ones are: 16 KiB take twice the CPU. */
const OUTPUT_BYTES = 64 * 1024;

/**
 * The most frames that may begin in the midst of a piece. Each takes 0.1 ms of CPU for an
 * unpacker of its own, and a frame may have nine bytes. pzstd writes one for 8 MiB.
 */
const MAX_FRAMES = 4000;

interface Format {
  readonly name: string;
  create(): Stream;
  /** Whether a file may begin with these bytes. */
  begins(bytes: Uint8Array): boolean;
  /** Whether several compressed files in a row are a file, as for libarchive, which Nix uses. */
  readonly hasFrames: boolean;
  /** Whether a failure is the file's own. workerd refuses a gzip file that other bytes follow, unlike libarchive. */
  readonly isStrict: boolean;
}

type Stream = zlib.ZstdDecompress | zlib.Gunzip | zlib.BrotliDecompress;

const FORMATS = {
  zstd: {
    name: "zstd",
    create: () =>
      zlib.createZstdDecompress({
        chunkSize: OUTPUT_BYTES,
        params: { [zlib.constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
      }),
    // A frame, or a skippable frame (RFC 8878, 3.1). Fewer bytes stand at the end of a
    // piece: the unpacker judges them.
    begins(bytes) {
      if (bytes.byteLength < 4) return true;
      const magic = littleEndian(bytes.subarray(0, 4));
      return magic === 0xfd2fb528 || (magic >= 0x184d2a50 && magic <= 0x184d2a5f);
    },
    hasFrames: true,
    isStrict: true,
  },
  gzip: {
    name: "gzip",
    create: () => zlib.createGunzip({ chunkSize: OUTPUT_BYTES }),
    begins: (bytes) => bytes.byteLength < 2 || littleEndian(bytes.subarray(0, 2)) === 0x8b1f,
    hasFrames: true,
    isStrict: false,
  },
  br: {
    name: "br",
    create: () => zlib.createBrotliDecompress({ chunkSize: OUTPUT_BYTES }),
    begins: () => true,
    hasFrames: false,
    isStrict: true,
  },
} as const satisfies Record<string, Format>;

/** The compressions of Nix that this runtime can unpack. xz and bzip2 are not among them. */
export type UnpackableCompression = keyof typeof FORMATS | "none";

export function isUnpackable(compression: string): compression is UnpackableCompression {
  return compression === "none" || Object.hasOwn(FORMATS, compression);
}

export function createUnpacker(
  compression: UnpackableCompression,
  onUnpacked: OnUnpacked,
): Unpacker {
  return compression === "none"
    ? { write: async (bytes) => void onUnpacked(bytes), end: async () => {}, close() {} }
    : createFrameUnpacker(FORMATS[compression], onUnpacked);
}

function createFrameUnpacker(format: Format, onUnpacked: OnUnpacked): Unpacker {
  let frame: Frame | undefined;
  let frames = 0;
  let isStopped = false;
  const take: OnUnpacked = (bytes) => (isStopped ||= !onUnpacked(bytes), !isStopped);

  function begin(bytes: Uint8Array): Frame {
    if (!format.begins(bytes)) {
      throw frames === 0
        ? new UnpackError("refused", `it does not begin as ${format.name}`)
        : new UnpackError("damaged", "other bytes follow its end");
    }
    if (format.name === "br" && needsLargeWindow(bytes)) throw tooMuchMemory();
    if (++frames > MAX_FRAMES) throw new UnpackError("unsupported", "it has too many frames");
    return createFrame(format, take);
  }

  return {
    async write(bytes) {
      let rest = bytes;
      while (rest.byteLength > 0 && !isStopped) {
        frame ??= begin(rest);
        const used = await frame.write(rest);
        if (used === rest.byteLength || isStopped) return;
        if (!format.hasFrames) throw new UnpackError("refused", "other bytes follow its end");
        frame.close();
        frame = undefined;
        rest = rest.subarray(used);
      }
    },
    async end() {
      if (!isStopped) await frame?.end();
    },
    close: () => frame?.close(),
  };
}

/** Unpacks one frame, or several whose ends fall between two calls of `write`. */
interface Frame {
  /** Returns the number of bytes that belong to the frame. */
  write(bytes: Uint8Array): Promise<number>;
  end(): Promise<void>;
  close(): void;
}

function createFrame(format: Format, take: OnUnpacked): Frame {
  const stream = format.create();
  let failure: Error | undefined;
  let wake = () => {};
  const note = (error?: Error) => {
    failure ??= error;
    wake();
  };
  stream.on("data", (bytes: Uint8Array) => {
    // A small file can unpack to terabytes: the stream makes no more bytes than are wanted.
    if (!stream.destroyed && !take(bytes)) stream.destroy();
  });
  stream.on("error", note);
  stream.on("close", () => note());

  /** Waits for the callback of a call to the stream, for its failure, or for its end by `take`. */
  async function until(call: (done: () => void) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      wake = resolve;
      call(resolve);
    });
    if (failure !== undefined) throw toUnpackError(failure, format);
  }

  return {
    async write(bytes) {
      const before = stream.bytesWritten;
      await until((done) => stream.write(bytes, () => done()));
      if (stream.destroyed) return bytes.byteLength;
      const used = stream.bytesWritten - before;
      // Its last bytes come before its "end".
      if (used < bytes.byteLength && !stream.readableEnded) {
        await until((done) => stream.once("end", done));
      }
      return used;
    },
    async end() {
      if (stream.destroyed || stream.readableEnded) return;
      await until((done) => {
        stream.once("end", done);
        stream.end();
      });
    },
    close: () => void stream.destroy(),
  };
}

function toUnpackError(cause: Error, { isStrict, name }: Format): UnpackError {
  // ZSTD_error_frameParameter_windowTooLarge has no code of its own in workerd.
  if (cause.message.includes("too much memory")) return tooMuchMemory(cause);
  if (/unexpected end of file/i.test(cause.message)) {
    return new UnpackError("damaged", `its ${name} data is cut`, { cause });
  }
  return new UnpackError(isStrict ? "damaged" : "refused", `it is no sound ${name} file`, { cause });
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
