import type { Bucket, PutOptions, Upload, UploadedPart } from "../../src/worker/bucket/bucket.ts";

interface MemoryObject extends PutOptions {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lastModified?: Date;
}

interface MemoryUpload {
  readonly path: string;
  readonly options: PutOptions;
  readonly parts: Map<number, { readonly bytes: Uint8Array<ArrayBuffer>; readonly etag: string }>;
}

/** The port, kept in memory. */
export interface MemoryBucket extends Bucket {
  readonly objects: Map<string, MemoryObject>;
  /** What was asked, in order: "put nar/…", "putPart nar/… 1". */
  readonly calls: string[];
  /** PUTs to a URL that `signPart` gave, as its holder does; false where there is no such upload. */
  putSigned(url: string, bytes: Uint8Array<ArrayBuffer>): boolean;
  /** A PUT that `signPut` signed, as its holder sends it. Keeps what is sent, as a bucket that checks nothing. */
  putWhole(url: string, bytes: Uint8Array<ArrayBuffer>, contentEncoding?: string): void;
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
  const uploads = new Map<string, MemoryUpload>();
  const etags = new WeakMap<Uint8Array, string>();
  let count = 0;

  async function call<T>(name: string, effect: () => T): Promise<T> {
    calls.push(name);
    await before?.(name);
    const value = effect();
    await after?.(name);
    return value;
  }
  /** The same as long as the object is not written again. */
  function etagOf({ bytes }: MemoryObject): string {
    const etag = etags.get(bytes) ?? `"${++count}"`;
    etags.set(bytes, etag);
    return etag;
  }
  const headOf = (object: MemoryObject) => ({
    sizeBytes: object.bytes.byteLength,
    etag: etagOf(object),
    lastModified: undefined,
    contentEncoding: object.contentEncoding,
  });
  function putPart(uploadId: string, number: number, bytes: Uint8Array<ArrayBuffer>): UploadedPart {
    const part = { bytes: bytes.slice(), etag: `"${++count}"` };
    const upload = uploads.get(uploadId);
    if (upload === undefined) throw new Error("NoSuchUpload");
    upload.parts.set(number, part);
    return { number, etag: part.etag, sizeBytes: bytes.byteLength };
  }
  const openUpload = (path: string, uploadId: string): Upload => ({
    uploadId,
    putPart: (number, bytes) =>
      call(`putPart ${path} ${number}`, () => putPart(uploadId, number, bytes)),
    signPart: async (number, seconds) => `memory:${uploadId}/${number}/${seconds}`,
    listParts: () =>
      call(`listParts ${path}`, () => {
        const parts = uploads.get(uploadId)?.parts;
        return parts === undefined
          ? undefined
          : [...parts]
              .toSorted(([a], [b]) => a - b)
              .map(([number, { bytes, etag }]) => ({ number, etag, sizeBytes: bytes.byteLength }));
      }),
    complete: (parts) =>
      call(`complete ${path}`, () => {
        const upload = uploads.get(uploadId);
        if (upload === undefined) return "gone" as const;
        const chosen = parts
          .toSorted((a, b) => a.number - b.number)
          .map(({ number, etag }) => {
            const part = upload.parts.get(number);
            return part?.etag === etag ? part.bytes : undefined;
          });
        if (!chosen.every((bytes) => bytes !== undefined)) return "changed" as const;
        objects.set(path, { ...upload.options, bytes: concat(chosen) });
        uploads.delete(uploadId);
        return "completed" as const;
      }),
    abort: () => call(`abort ${path}`, () => void uploads.delete(uploadId)),
  });

  return {
    objects,
    calls,
    openUploads: () => uploads.size,
    putSigned(url, bytes) {
      const [, uploadId = "", number] = /^memory:(\d+)\/(\d+)\//.exec(url) ?? [];
      if (!uploads.has(uploadId)) return false;
      putPart(uploadId, Number(number), bytes);
      return true;
    },
    putWhole(url, bytes, contentEncoding) {
      const path = url.replace(/^memory:/, "");
      objects.set(path, { bytes, contentType: "application/x-nix-nar", contentEncoding });
    },
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
    read: (path, maxBytes) =>
      call(`read ${path}`, () => {
        const object = objects.get(path);
        if (object !== undefined && object.bytes.byteLength > maxBytes) return "too-large";
        return object && { ...headOf(object), bytes: object.bytes.slice().buffer };
      }),
    head: (path) =>
      call(`head ${path}`, () => {
        const object = objects.get(path);
        return object === undefined ? undefined : headOf(object);
      }),
    // A copy, since the caller may use its memory again.
    put: (path, body, options) =>
      call(`put ${path}`, () => {
        const object = { ...options, bytes: body.slice() };
        objects.set(path, object);
        return etagOf(object);
      }),
    delete: (path) => call(`delete ${path}`, () => void objects.delete(path)),
    list: (start, { limit = 1000, continuation = "", after: behind = "", isFlat = false } = {}) =>
      call(`list ${start}`, () => {
        // Object paths are ASCII, so the order of texts is the order of bytes.
        const found = [...objects]
          .filter(([path]) => path.startsWith(start) && path > continuation && path > behind)
          .filter(([path]) => !(isFlat && path.slice(start.length).includes("/")))
          .toSorted(([left], [right]) => (left < right ? -1 : 1));
        const page = found.slice(0, limit).map(([path, object]) => ({
          path,
          sizeBytes: object.bytes.byteLength,
          lastModified: object.lastModified,
          etag: etagOf(object),
        }));
        return {
          objects: page,
          continuation: found.length > limit ? page.at(-1)?.path : undefined,
          isLast: found.length <= limit,
        };
      }),
    signPut: async (path, { sha256, header }) => ({
      url: `memory:${path}`,
      headers: { [header]: sha256 },
    }),
    createUpload: (path, options) =>
      call(`createUpload ${path}`, () => {
        const uploadId = String(++count);
        uploads.set(uploadId, { path, options, parts: new Map() });
        return openUpload(path, uploadId);
      }),
    openUpload,
    listUploads: (start) =>
      call(`listUploads ${start}`, () =>
        [...uploads]
          .filter(([, { path }]) => path.startsWith(start))
          .map(([uploadId, { path }]) => ({ path, uploadId })),
      ),
    copy: (from, to, { etag, contentType }) =>
      call(`copy ${from}`, () => {
        const source = objects.get(from);
        if (source === undefined) return "gone";
        if (etag !== undefined && etagOf(source) !== etag) return "changed";
        objects.set(to, { contentType, bytes: source.bytes.slice() });
        return "copied";
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
