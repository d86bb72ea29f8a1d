import zlib from "node:zlib";

/** The formats that workerd can unpack. */
export type EngineFormat = "zstd" | "gzip" | "br";

/** Takes unpacked bytes, which are valid until it returns. Returns whether the engine shall go on. */
export type OnUnpacked = (bytes: Uint8Array) => boolean;

/**
 * Unpacks with `node:zlib`. A new user begins with `begin`. After a call has thrown, or
 * `onUnpacked` returned false, or `write` took less than it got, it may only be released.
 */
export interface Engine {
  begin(onUnpacked: OnUnpacked): void;
  /** Resolves when these bytes are unpacked, with the number of them that belong to the compressed data. */
  write(bytes: Uint8Array): Promise<number>;
  /** Throws if the compressed data does not end here. */
  end(): Promise<void>;
}

/** The engines of an isolate. */
export interface Engines {
  acquire(format: EngineFormat): Engine;
  release(engine: Engine): void;
}

/**
 * The most memory that a file may ask for, as a power of two: 8 MiB. `zstd -19`, and Nix
 * at any level up to 19, asks for no more. `zstd --ultra -22` asks for 128 MiB, all that
 * an isolate has (law 7).
 */
const MAX_WINDOW_LOG = 23;
const ENGINE_BYTES = 2 ** MAX_WINDOW_LOG;

/** Larger pieces are no faster. Pieces of 16 KiB take a third more CPU. */
const OUTPUT_BYTES = 64 * 1024;

/** As many as NARs are unpacked at once (`PROOF_PLACES` in buffer-pool.ts). */
const MAX_IDLE = 3;

type Stream = zlib.BrotliDecompress & zlib.ZlibReset;

/**
 * How many unwanted bytes an engine makes at most, so that it can be used again. They
 * take some 10 ms of CPU. A file of 256 KiB can make 8 GB.
 */
const MAX_UNWANTED_BYTES = 64 * 1024 * 1024;

/**
 * workerd frees the memory of a decompressor only when V8 collects its object, and V8
 * does not know how much that is: 40 NARs one after another took 360 MB. Therefore those
 * of zstd are used again, unless the data was damaged.
 */
export function createEngines(): Engines {
  const idle: ZlibEngine[] = [];
  return {
    acquire: (format) => (format === "zstd" ? idle.pop() : undefined) ?? createEngine(format),
    release(engine) {
      const { format, isReusable, reset, close } = engine as ZlibEngine;
      if (format !== "zstd" || !isReusable() || idle.length >= MAX_IDLE) return close();
      reset();
      idle.push(engine as ZlibEngine);
    },
  };
}

interface ZlibEngine extends Engine {
  readonly format: EngineFormat;
  /** Whether other data can be unpacked after `reset`. */
  isReusable(): boolean;
  reset(): void;
  close(): void;
}

function createEngine(format: EngineFormat): ZlibEngine {
  const stream = createStream(format);
  let onUnpacked: OnUnpacked | undefined;
  let failure: Error | undefined;
  let unwantedBytes = 0;
  let isWanted = true;
  let wake: (() => void) | undefined;
  const note = (error?: Error) => {
    failure ??= error;
    wake?.();
  };
  stream.on("data", (bytes: Uint8Array) => {
    isWanted &&= onUnpacked?.(bytes) ?? false;
    if (!isWanted) unwantedBytes += bytes.byteLength;
    if (unwantedBytes > MAX_UNWANTED_BYTES) stream.destroy();
    free(bytes);
  });
  stream.on("error", note);
  stream.on("close", () => note());

  /** Waits for the callback of a call to the stream, for its failure, or for its end by `onUnpacked`. */
  async function until(call: (done: () => void) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      wake = resolve;
      call(resolve);
    });
    if (failure !== undefined) throw failure;
  }

  return {
    format,
    begin(next) {
      onUnpacked = next;
      isWanted = true;
      unwantedBytes = 0;
    },
    async write(bytes) {
      const before = stream.bytesWritten;
      await until((done) => stream.write(bytes, () => done()));
      if (stream.destroyed) return bytes.byteLength;
      const used = stream.bytesWritten - before;
      // The last bytes come before "end".
      if (used < bytes.byteLength && !stream.readableEnded) {
        await until((done) => stream.once("end", done));
      }
      return used;
    },
    async end() {
      if (stream.destroyed || stream.readableEnded) return;
      await until((done) => {
        if (format === "zstd") return stream.flush(zlib.constants.ZSTD_e_end, done);
        stream.once("end", done);
        stream.end();
      });
    },
    isReusable: () => !stream.destroyed && !stream.readableEnded,
    reset: () => stream.reset(),
    close() {
      // This gives back the memory of br, not that of zstd.
      if (!stream.destroyed) stream.reset();
      stream.destroy();
      // Memory of which V8 knows, so that it soon collects both.
      if (format !== "gzip") void new ArrayBuffer(ENGINE_BYTES);
    },
  };
}

/** In workerd the three have one class, with `reset`. */
function createStream(format: EngineFormat): Stream {
  const options = { chunkSize: OUTPUT_BYTES, autoDestroy: false };
  switch (format) {
    case "zstd": {
      const params = { [zlib.constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG };
      return zlib.createZstdDecompress({ ...options, params }) as unknown as Stream;
    }
    case "gzip":
      return zlib.createGunzip(options) as unknown as Stream;
    case "br":
      return zlib.createBrotliDecompress(options) as Stream;
  }
}

/**
 * Gives back the memory of a piece at once. V8 would do so only when 64 MB of pieces lie
 * about, half of what an isolate has. A piece that does not fill its buffer shares it
 * with the next piece.
 */
function free({ buffer, byteOffset, byteLength }: Uint8Array): void {
  const isFilled = byteOffset + byteLength === OUTPUT_BYTES && buffer.byteLength === OUTPUT_BYTES;
  if (isFilled && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
