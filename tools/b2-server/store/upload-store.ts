import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { compareKeys } from "./compare-keys.ts";
import type { DurableFiles } from "./durable-files.ts";
import { parseHeaders, parseRecord, type StoredHeaders } from "./object-version.ts";
import type { Sequence } from "./sequence.ts";

export interface UploadPart {
  readonly number: number;
  readonly sizeBytes: number;
  readonly md5: Buffer;
  readonly lastModified: Date;
  readonly fileName: string;
}

/** A multipart upload that is neither complete nor aborted. */
export interface MultipartUpload {
  readonly uploadId: string;
  readonly key: string;
  readonly headers: StoredHeaders;
  readonly initiated: Date;
  readonly parts: ReadonlyMap<number, UploadPart>;
}

interface MutableUpload extends MultipartUpload {
  readonly parts: Map<number, UploadPart>;
}

const RECORD_FILE = "upload.json";

/**
 * Stores the unfinished multipart uploads of a bucket. Each upload is a directory,
 * each part a file in it. The file name holds the part's number and MD5, so one
 * rename publishes the part.
 */
export class UploadStore {
  readonly #directory: string;
  readonly #files: DurableFiles;
  readonly #sequence: Sequence;
  readonly #uploads = new Map<string, MutableUpload>();
  readonly #withdrawn = new Set<string>();

  private constructor(directory: string, files: DurableFiles, sequence: Sequence) {
    this.#directory = directory;
    this.#files = files;
    this.#sequence = sequence;
  }

  static async open(
    directory: string,
    files: DurableFiles,
    sequence: Sequence,
  ): Promise<UploadStore> {
    const store = new UploadStore(directory, files, sequence);
    await mkdir(directory, { recursive: true });
    for (const uploadId of await readdir(directory)) {
      sequence.observe(uploadId);
      const upload = await loadUpload(path.join(directory, uploadId), uploadId);
      if (upload === undefined) await files.remove(path.join(directory, uploadId));
      else store.#uploads.set(uploadId, upload);
    }
    return store;
  }

  /** Returns the uploads sorted by key, then by age. */
  list(): readonly MultipartUpload[] {
    return [...this.#uploads.values()]
      .filter((upload) => !this.#withdrawn.has(upload.uploadId))
      .toSorted((a, b) => compareKeys(a.key, b.key) || compareKeys(a.uploadId, b.uploadId));
  }

  find(key: string, uploadId: string): MultipartUpload | undefined {
    if (this.#withdrawn.has(uploadId)) return undefined;
    const upload = this.#uploads.get(uploadId);
    return upload?.key === key ? upload : undefined;
  }

  async create(key: string, headers: StoredHeaders, initiated: Date): Promise<MultipartUpload> {
    const uploadId = this.#sequence.next();
    const directory = path.join(this.#directory, uploadId);
    await mkdir(directory);
    const record = JSON.stringify({ key, headers, initiated });
    await this.#files.writeText(directory, RECORD_FILE, record);
    await this.#files.syncDirectory(this.#directory);
    const upload = { uploadId, key, headers, initiated, parts: new Map<number, UploadPart>() };
    this.#uploads.set(uploadId, upload);
    return upload;
  }

  /**
   * Stores a part and replaces an earlier part with the same number. Returns
   * `undefined` if the upload ended while the part arrived.
   */
  async writePart(
    upload: MultipartUpload,
    number: number,
    body: AsyncIterable<Uint8Array>,
    lastModified: Date,
  ): Promise<UploadPart | undefined> {
    const { path: staged, sizeBytes, md5 } = await this.#files.stage(body);
    const fileName = formatPartName(number, this.#sequence.next(), md5);
    const directory = path.join(this.#directory, upload.uploadId);
    const open = this.#uploads.get(upload.uploadId);
    try {
      await this.#files.publish(directory, [staged, fileName]);
    } catch (error) {
      await rm(staged, { force: true });
      if (this.find(upload.key, upload.uploadId) !== undefined) throw error;
      return undefined;
    }
    const part = { number, sizeBytes, md5, lastModified, fileName };
    const former = open?.parts.get(number);
    open?.parts.set(number, part);
    if (former !== undefined) await rm(path.join(directory, former.fileName), { force: true });
    return part;
  }

  /** Yields the bytes of the parts, one part after another. */
  async *readParts(
    upload: MultipartUpload,
    parts: readonly UploadPart[],
  ): AsyncGenerator<Uint8Array> {
    for (const part of parts) {
      yield* createReadStream(path.join(this.#directory, upload.uploadId, part.fileName), {
        highWaterMark: 1024 * 1024,
      });
    }
  }

  /** Hides the upload from all other requests, so that only one request can end it. */
  withdraw(upload: MultipartUpload): void {
    this.#withdrawn.add(upload.uploadId);
  }

  /** Makes a withdrawn upload visible again. */
  restore(upload: MultipartUpload): void {
    this.#withdrawn.delete(upload.uploadId);
  }

  /** Ends a withdrawn upload and removes its parts. */
  async discard(upload: MultipartUpload): Promise<void> {
    this.#uploads.delete(upload.uploadId);
    this.#withdrawn.delete(upload.uploadId);
    await this.#files.remove(path.join(this.#directory, upload.uploadId));
  }
}

async function loadUpload(directory: string, uploadId: string): Promise<MutableUpload | undefined> {
  const text = await readFile(path.join(directory, RECORD_FILE), "utf8").catch(() => "");
  const record = parseRecord(text);
  const key = record?.["key"];
  const headers = parseHeaders(record?.["headers"]);
  // The server was killed before it wrote the record, so no client knows this upload.
  if (typeof key !== "string" || headers === undefined) return undefined;
  const initiated = new Date(String(record?.["initiated"]));
  const parts = new Map<number, UploadPart>();
  // In the order of the names, the newest file of a part comes last and replaces the others.
  for (const fileName of (await readdir(directory)).toSorted()) {
    const name = parsePartName(fileName);
    if (name === undefined) continue;
    const { size: sizeBytes, mtime: lastModified } = await stat(path.join(directory, fileName));
    parts.set(name.number, { ...name, sizeBytes, lastModified, fileName });
  }
  return { uploadId, key, headers, initiated, parts };
}

function formatPartName(number: number, sequence: string, md5: Buffer): string {
  return `${String(number).padStart(5, "0")}-${sequence}-${md5.toString("hex")}.part`;
}

function parsePartName(name: string): { number: number; md5: Buffer } | undefined {
  const match = /^(\d{5})-\d{16}-[0-9a-f]{8}-([0-9a-f]{32})\.part$/.exec(name);
  const [, number, md5] = match ?? [];
  if (number === undefined || md5 === undefined) return undefined;
  return { number: Number(number), md5: Buffer.from(md5, "hex") };
}
