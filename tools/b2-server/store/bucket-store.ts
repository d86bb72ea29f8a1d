import { createHash } from "node:crypto";
import { mkdir, open, readFile, rm, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { DurableFiles } from "./durable-files.ts";
import { loadVersions } from "./load-versions.ts";
import {
  formatVersion,
  type AnyVersion,
  type DeleteMarker,
  type ObjectVersion,
  type StoredHeaders,
} from "./object-version.ts";
import type { Sequence } from "./sequence.ts";
import { UploadStore, type MultipartUpload, type UploadPart } from "./upload-store.ts";
import { VersionIndex } from "./version-index.ts";

export interface BucketStoreOptions {
  readonly directory: string;
  readonly sequence: Sequence;
  readonly now: () => Date;
  readonly durable: boolean;
}

/** The bytes of a body, in chunks. */
export type ByteChunks = AsyncIterable<Uint8Array>;

const LIFECYCLE_FILE = "lifecycle.xml";

/**
 * Stores one bucket on disk. A version is the file `<id>.json`; an object also has
 * `<id>.body`. File names never contain keys. So no key can point outside the
 * directory, and no two keys collide on a file system that ignores case. A version
 * exists once its JSON file exists.
 */
export class BucketStore {
  readonly #options: BucketStoreOptions;
  readonly #versions: string;
  readonly #files: DurableFiles;
  #index: VersionIndex;
  #uploads: UploadStore;

  private constructor(
    options: BucketStoreOptions,
    files: DurableFiles,
    index: VersionIndex,
    uploads: UploadStore,
  ) {
    this.#options = options;
    this.#versions = versionsDirectory(options);
    this.#files = files;
    this.#index = index;
    this.#uploads = uploads;
  }

  static async open(options: BucketStoreOptions): Promise<BucketStore> {
    await mkdir(versionsDirectory(options), { recursive: true });
    const files = await DurableFiles.open(path.join(options.directory, "staging"), options.durable);
    const versions = await loadVersions(versionsDirectory(options));
    for (const { versionId } of versions) options.sequence.observe(versionId);
    const uploads = await UploadStore.open(uploadsDirectory(options), files, options.sequence);
    await files.syncDirectory(options.directory);
    return new BucketStore(options, files, new VersionIndex(versions), uploads);
  }

  get index(): VersionIndex {
    return this.#index;
  }

  get uploads(): UploadStore {
    return this.#uploads;
  }

  /** Stores a new version. Resolves only once it is durable. Keeps the older versions. */
  async putObject(key: string, headers: StoredHeaders, body: ByteChunks): Promise<ObjectVersion> {
    const { path: staged, sizeBytes, md5 } = await this.#files.stage(body);
    return this.#publish({ key, headers, sizeBytes, etag: `"${md5.toString("hex")}"` }, staged);
  }

  /** Stores the bytes of `source` under `key`, with the entity tag of the source. */
  async copyObject(
    key: string,
    headers: StoredHeaders,
    source: { readonly bucket: BucketStore; readonly version: ObjectVersion },
  ): Promise<ObjectVersion> {
    const { sizeBytes, etag } = source.version;
    const staged = await this.#files.stageLink(source.bucket.#bodyPath(source.version));
    return this.#publish({ key, headers, sizeBytes, etag }, staged);
  }

  /** Joins the parts into one new version, in the order given, and ends the upload. */
  async completeUpload(
    upload: MultipartUpload,
    parts: readonly UploadPart[],
  ): Promise<ObjectVersion> {
    const { key, headers } = upload;
    this.#uploads.withdraw(upload);
    try {
      const body = this.#uploads.readParts(upload, parts);
      const { path: staged, sizeBytes } = await this.#files.stage(body);
      const etag = multipartEtag(parts);
      const version = await this.#publish({ key, headers, sizeBytes, etag }, staged);
      await this.#uploads.discard(upload);
      return version;
    } catch (error) {
      this.#uploads.restore(upload);
      throw error;
    }
  }

  async abortUpload(upload: MultipartUpload): Promise<void> {
    this.#uploads.withdraw(upload);
    await this.#uploads.discard(upload);
  }

  /** Adds a delete marker. A GET then finds no object; the older versions stay. */
  async hideObject(key: string): Promise<DeleteMarker> {
    const versionId = this.#options.sequence.next();
    const marker: DeleteMarker = {
      kind: "marker",
      key,
      versionId,
      lastModified: this.#options.now(),
    };
    await this.#files.writeText(this.#versions, `${versionId}.json`, formatVersion(marker));
    this.#index.add(marker);
    return marker;
  }

  /** Removes one version permanently. */
  async deleteVersion(version: AnyVersion): Promise<void> {
    this.#index.remove(version);
    await this.#files.remove(path.join(this.#versions, `${version.versionId}.json`));
    // If the server stops before this line, the next start removes the leftover body.
    if (version.kind === "object") await rm(this.#bodyPath(version), { force: true });
  }

  /** Opens the bytes of a version. They stay readable even if the version is deleted meanwhile. */
  async openBody(version: ObjectVersion): Promise<FileHandle> {
    return open(this.#bodyPath(version));
  }

  /** Returns the lifecycle configuration as it was stored, or `undefined` if there is none. */
  async readLifecycle(): Promise<string | undefined> {
    const file = path.join(this.#options.directory, LIFECYCLE_FILE);
    return readFile(file, "utf8").catch(() => undefined);
  }

  async writeLifecycle(xml: string): Promise<void> {
    await this.#files.writeText(this.#options.directory, LIFECYCLE_FILE, xml);
  }

  /** Empties the bucket, for tests. No request may be in progress. */
  async clear(): Promise<void> {
    const uploads = uploadsDirectory(this.#options);
    for (const directory of [this.#versions, uploads]) {
      await this.#files.remove(directory);
      await mkdir(directory);
    }
    await rm(path.join(this.#options.directory, LIFECYCLE_FILE), { force: true });
    this.#index = new VersionIndex();
    this.#uploads = await UploadStore.open(uploads, this.#files, this.#options.sequence);
  }

  async #publish(
    object: Pick<ObjectVersion, "key" | "headers" | "sizeBytes" | "etag">,
    staged: string,
  ): Promise<ObjectVersion> {
    const version: ObjectVersion = {
      kind: "object",
      versionId: this.#options.sequence.next(),
      lastModified: this.#options.now(),
      ...object,
    };
    const record = await this.#files.stage([Buffer.from(formatVersion(version))]);
    await this.#files.publish(
      this.#versions,
      [staged, `${version.versionId}.body`],
      [record.path, `${version.versionId}.json`],
    );
    this.#index.add(version);
    return version;
  }

  #bodyPath(version: ObjectVersion): string {
    return path.join(this.#versions, `${version.versionId}.body`);
  }
}

function versionsDirectory(options: BucketStoreOptions): string {
  return path.join(options.directory, "versions");
}

function uploadsDirectory(options: BucketStoreOptions): string {
  return path.join(options.directory, "uploads");
}

/**
 * Returns the entity tag that S3 gives an object made of parts: the MD5 of the
 * parts' MD5s, and the number of parts.
 */
function multipartEtag(parts: readonly UploadPart[]): string {
  const md5 = createHash("md5");
  for (const part of parts) md5.update(part.md5);
  return `"${md5.digest("hex")}-${parts.length}"`;
}
