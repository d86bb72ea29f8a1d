import { readFileSlice } from "../../tools/b2-server/answer.ts";
import type { LoggedRequest, RequestFilter } from "../../tools/b2-server/request-log.ts";
import type { B2Server } from "../../tools/b2-server/b2-server.ts";

/** A bucket as its owner sees it, past signatures and faults. Keys are relative to the prefix. */
export interface BucketView {
  /** Every key under the prefix, sorted. */
  keys(): readonly string[];
  read(key: string): Promise<Buffer | undefined>;
  write(key: string, bytes: Uint8Array, contentType?: string): Promise<void>;
  /** Hides an object. */
  remove(key: string): Promise<void>;
  /** Puts an object beside the prefix. */
  writeOutside(key: string, bytes: Uint8Array): Promise<void>;
  /** Which version each key of the whole bucket has: alike as long as nothing is written. */
  versions(): Readonly<Record<string, string>>;
  /** How many multipart uploads are neither completed nor aborted. */
  openUploads(): number;
  /** What the gateway has asked of the bucket since `forgetRequests`; keys as on the wire. */
  requests(filter?: Omit<RequestFilter, "bucket">): readonly LoggedRequest[];
  forgetRequests(): void;
}

export function createBucketView(server: B2Server, name: string, prefix: string): BucketView {
  const store = server.store.bucket(name);
  if (store === undefined) throw new Error(`no bucket ${name}`);

  function* visibleKeys(): Generator<string> {
    for (const key of store?.index.keysFrom("") ?? []) {
      if (store?.index.visible(key) !== undefined) yield key;
    }
  }

  return {
    keys: () =>
      [...visibleKeys()]
        .filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length)),
    async read(key) {
      const version = store.index.visible(prefix + key);
      if (version === undefined) return undefined;
      const file = await store.openBody(version);
      const chunks: Uint8Array[] = [];
      for await (const chunk of readFileSlice({ file, start: 0, length: version.sizeBytes })) {
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
    async write(key, bytes, contentType = "application/octet-stream") {
      await store.putObject(prefix + key, { "content-type": contentType }, chunksOf(bytes));
    },
    async remove(key) {
      await store.hideObject(prefix + key);
    },
    async writeOutside(key, bytes) {
      await store.putObject(key, {}, chunksOf(bytes));
    },
    versions: () =>
      Object.fromEntries(
        [...visibleKeys()].map((key) => [key, store.index.visible(key)?.versionId ?? ""]),
      ),
    openUploads: () => store.uploads.list().length,
    requests: (filter = {}) => server.requests.list({ ...filter, bucket: name }),
    forgetRequests: () => server.requests.clear(name),
  };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
