import type { Bucket, PutOptions } from "../../src/bucket/bucket.ts";

interface MemoryObject extends PutOptions {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The port, kept in memory. */
export interface MemoryBucket extends Bucket {
  readonly objects: Map<string, MemoryObject>;
  /** What was asked, in order: "put nar/…", "putPart nar/… 1". */
  readonly calls: string[];
  /** Uploads that were neither completed nor aborted. */
  openUploads(): number;
  setText(path: string, text: string): void;
  textOf(path: string): string | undefined;
}

/** Called around each call; what it throws, the call throws. */
export interface MemoryBucketHooks {
  readonly before?: (call: string) => void | Promise<void>;
  /** After it has taken effect, as where an answer is lost. */
  readonly after?: (call: string) => void | Promise<void>;
}

export function createMemoryBucket({ before, after }: MemoryBucketHooks = {}): MemoryBucket {
  const objects = new Map<string, MemoryObject>();
  const calls: string[] = [];
  let openUploads = 0;

  async function call<T>(name: string, effect: () => T): Promise<T> {
    calls.push(name);
    await before?.(name);
    const value = effect();
    await after?.(name);
    return value;
  }
  const headOf = ({ bytes, contentEncoding }: MemoryObject) => ({
    sizeBytes: bytes.byteLength,
    etag: `"${bytes.byteLength}"`,
    lastModified: undefined,
    contentEncoding,
  });

  return {
    objects,
    calls,
    openUploads: () => openUploads,
    setText(path, text) {
      const bytes = new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
      objects.set(path, { bytes, contentType: "text/plain" });
    },
    textOf(path) {
      const object = objects.get(path);
      return object === undefined ? undefined : new TextDecoder().decode(object.bytes);
    },
    get: (path) =>
      call(`get ${path}`, () => {
        const object = objects.get(path);
        if (object === undefined) return undefined;
        return { ...headOf(object), range: undefined, body: new Blob([object.bytes]).stream() };
      }),
    head: (path) =>
      call(`head ${path}`, () => {
        const object = objects.get(path);
        return object === undefined ? undefined : headOf(object);
      }),
    // A copy, since the caller may use its memory again.
    put: (path, body, options) =>
      call(`put ${path}`, () => void objects.set(path, { ...options, bytes: body.slice() })),
    delete: (path) => call(`delete ${path}`, () => void objects.delete(path)),
    list: (start) =>
      call(`list ${start}`, () => ({
        objects: [...objects]
          .filter(([path]) => path.startsWith(start))
          .map(([path, { bytes }]) => ({ path, sizeBytes: bytes.byteLength })),
        continuation: undefined,
      })),
    createUpload: (path, options) =>
      call(`createUpload ${path}`, () => {
        const parts = new Map<number, Uint8Array<ArrayBuffer>>();
        openUploads++;
        return {
          putPart: (number: number, bytes: Uint8Array<ArrayBuffer>) =>
            call(`putPart ${path} ${number}`, () => void parts.set(number, bytes.slice())),
          complete: () =>
            call(`complete ${path}`, () => {
              const bytes = [...parts].toSorted(([a], [b]) => a - b).map(([, part]) => part);
              objects.set(path, { ...options, bytes: concat(bytes) });
              openUploads--;
            }),
          abort: () => call(`abort ${path}`, () => void openUploads--),
        };
      }),
  };
}

function concat(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let position = 0;
  for (const chunk of chunks) {
    all.set(chunk, position);
    position += chunk.byteLength;
  }
  return all;
}
