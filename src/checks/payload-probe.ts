/**
 * Finds out whether a bucket refuses a PUT whose body does not have the SHA-256 that its
 * signature covers. Only then may a client send a NAR straight to the bucket without the
 * gateway reading it back (law 2). No server is believed because of its name: some ignore
 * the hash, and some store what they refuse.
 */

/** SHA-256 of bodies of zeros in base16, by their sizes in bytes. */
export const ZEROS_SHA256 = {
  1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  65_537: "3266304f31be278d06c3bd3eb9aa3e00c59bedec0a890de466568b0b90b0e01f",
  8_388_609: "4459f957d031a8b782dfee09d2c7070a4b5e6c33130a8f20ac35393fd97fc57a",
  100_000_001: "f39c756552ca6b37852da0f8510d75915acff42463e02547dff3444823f1beb0",
} as const;
export type ProbeSize = keyof typeof ZEROS_SHA256;

/**
 * The sizes that the gateway tries. Servers keep small bodies in memory, and may write
 * larger ones before they know the hash: 64 KiB and 8 MiB are common limits.
 */
export const GATEWAY_PROBE_SIZES: readonly ProbeSize[] = [1, 65_537, 8_388_609];

/** A PUT of the probe. Its signature covers the SHA-256 of `sizeBytes` zeros. */
export interface ProbePut {
  readonly name: string;
  readonly sizeBytes: ProbeSize;
  /** The first byte of the body; 1 makes it another body. All other bytes are 0. */
  readonly firstByte: 0 | 1;
  /** Headers that are sent and not signed. */
  readonly unsignedHeaders?: Readonly<Record<string, string>>;
  /** The age of the signature in seconds; 0 if not given. */
  readonly ageSeconds?: number;
}

const CHUNK_BYTES = 64 * 1024;

/** Yields the first `sentBytes` of the body of a PUT, in pieces of at most 64 KiB. */
export function* probeBody({ firstByte }: ProbePut, sentBytes: number): Generator<Uint8Array> {
  yield Uint8Array.of(firstByte);
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let left = sentBytes - 1; left > 0; left -= CHUNK_BYTES) {
    yield left < CHUNK_BYTES ? chunk.subarray(0, left) : chunk;
  }
}

export interface ProbeAnswer {
  readonly status: number;
  /** S3's error code, if the answer has one. */
  readonly code: string | undefined;
}

export interface ProbedObject {
  readonly sizeBytes: number | undefined;
  readonly etag: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** A new folder of the bucket that nobody reads, for one probe. Sends each request once. */
export interface ProbeFolder {
  put(put: ProbePut): Promise<ProbeAnswer>;
  /** Sends half of the body and closes the connection. */
  putHalf(put: ProbePut): Promise<void>;
  /** Copies an object with the metadata replaced, as the gateway publishes a NAR. */
  copy(from: string, to: string): Promise<ProbeAnswer>;
  head(name: string): Promise<ProbedObject | undefined>;
  /** Returns the names in the folder. */
  list(): Promise<readonly string[]>;
  delete(name: string): Promise<void>;
  /** Returns the value of x-amz-copy-source for an object of the folder. */
  copySource(name: string): string;
  sleep(milliseconds: number): Promise<void>;
}

export type PayloadFinding =
  | { readonly kind: "checked" }
  /**
   * The gateway must read back what clients send. `because` is a predicate: "stores …".
   * `detail` is the answer of the bucket that shows it, for the operator alone.
   * `isHashChecked` says that the bucket checks the hash: then no other header helps.
   */
  | {
      readonly kind: "unchecked";
      readonly because: string;
      readonly isHashChecked: boolean;
      readonly detail?: string;
    }
  /** The bucket failed, so this says nothing. `detail` is for the operator alone. */
  | { readonly kind: "unknown"; readonly detail: string };

/** The codes by which a server says that the bytes are not those of the hash. A 403 proves nothing. */
const MISMATCH_CODES = ["XAmzContentSHA256Mismatch", "BadDigest"];

/** Time for the server to notice that the client closed the connection. */
const HANG_UP_MILLISECONDS = 1000;

/** S3 accepts a signature for 15 minutes. */
const OLD_SECONDS = 3600;

class Unchecked extends Error {
  readonly detail: string | undefined;

  constructor(because: string, answer?: ProbeAnswer) {
    super(because);
    this.detail = answer === undefined ? undefined : describe(answer);
  }
}

/** Probes the bucket, and removes what it stored if it can. Never throws. */
export async function probePayloadCheck(
  folder: ProbeFolder,
  sizes: readonly ProbeSize[],
): Promise<PayloadFinding> {
  const finding = await judge(folder, sizes);
  // What it cannot remove, a later sweep of the gateway or the clean-up of the canary removes.
  for (const name of await folder.list().catch(() => [])) {
    await folder.delete(name).catch(() => {});
  }
  return finding;
}

async function judge(folder: ProbeFolder, sizes: readonly ProbeSize[]): Promise<PayloadFinding> {
  let isHashChecked = false;
  try {
    const tried = await Promise.allSettled(sizes.map((size) => tryBodies(folder, size)));
    // All have ended, so nothing is stored after the folder is emptied.
    const kept = tried.map((one) => {
      if (one.status === "rejected") throw one.reason;
      return one.value;
    });
    isHashChecked = true;
    await tryHeaders(folder, sizes[0] ?? 1);
    await tryHalves(folder, sizes.at(-1) ?? 1);
    await requireUntouched(folder, kept);
    return { kind: "checked" };
  } catch (error) {
    if (!(error instanceof Unchecked)) {
      return { kind: "unknown", detail: error instanceof Error ? error.message : String(error) };
    }
    const { message: because, detail } = error;
    return {
      kind: "unchecked",
      because,
      isHashChecked,
      ...(detail === undefined ? {} : { detail }),
    };
  }
}

interface Kept {
  readonly name: string;
  readonly stored: ProbedObject;
}

/** Sends the right body once, and other bytes under its name and under a new name. */
async function tryBodies(folder: ProbeFolder, sizeBytes: ProbeSize): Promise<Kept> {
  const name = `right-${sizeBytes}`;
  const body = { sizeBytes, firstByte: 0 } as const;
  const right = await folder.put({ ...body, name });
  requireAnswer(right);
  // A wrong key or bucket stops every push, and says nothing about hashes.
  if (right.status === 403 || right.status === 404) {
    throw new Error(`the bucket answered ${describe(right)} to the right bytes`);
  }
  if (right.status !== 200) {
    throw new Unchecked(`refuses ${sizeBytes} right bytes`, right);
  }
  const stored = await folder.head(name);
  if (stored === undefined || stored.sizeBytes !== sizeBytes) {
    throw new Unchecked(`does not have the ${sizeBytes} bytes that it accepted`);
  }
  for (const target of [name, `wrong-${sizeBytes}`]) {
    const wrong = await folder.put({ ...body, name: target, firstByte: 1 });
    requireAnswer(wrong);
    if (wrong.status === 200) throw new Unchecked(`accepts ${sizeBytes} wrong bytes`);
    if (wrong.status !== 400 || !MISMATCH_CODES.includes(wrong.code ?? "")) {
      throw new Unchecked(`does not say that ${sizeBytes} wrong bytes are wrong`, wrong);
    }
  }
  return { name, stored };
}

/** Tries what a holder of signed headers could add to them, and how long they are valid. */
async function tryHeaders(folder: ProbeFolder, sizeBytes: ProbeSize): Promise<void> {
  const body = { sizeBytes, firstByte: 0 } as const;
  const source = folder.copySource(`right-${sizeBytes}`);
  const refused: readonly (readonly [what: string, put: ProbePut])[] = [
    ["metadata", { ...body, name: "metadata", unsignedHeaders: { "x-amz-meta-probe": "1" } }],
    ["a copy", { ...body, name: "copy", unsignedHeaders: { "x-amz-copy-source": source } }],
    ["an old signature", { ...body, name: "old", ageSeconds: OLD_SECONDS }],
  ];
  for (const [what, put] of refused) {
    const answer = await folder.put(put);
    requireAnswer(answer);
    if (answer.status === 200) throw new Unchecked(`accepts ${what} that nobody signed`);
  }
  const encoding = { "content-encoding": "gzip" };
  const encoded = await folder.put({ ...body, name: "encoded", unsignedHeaders: encoding });
  requireAnswer(encoded);
  if (encoded.status !== 200) return;
  const copied = await folder.copy("encoded", "replaced");
  requireAnswer(copied);
  const replaced = copied.status === 200 ? await folder.head("replaced") : undefined;
  if (replaced?.sizeBytes !== sizeBytes || replaced.contentEncoding !== undefined) {
    throw new Unchecked("keeps the metadata of an object whose copy replaces it");
  }
}

/** Sends half of a body under a new name and over the right bytes. */
async function tryHalves(folder: ProbeFolder, sizeBytes: ProbeSize): Promise<void> {
  for (const name of ["half", `right-${sizeBytes}`]) {
    await folder.putHalf({ name, sizeBytes, firstByte: 0 });
  }
  await folder.sleep(HANG_UP_MILLISECONDS);
}

/** Checks that the refused bytes left nothing, and changed nothing. */
async function requireUntouched(folder: ProbeFolder, kept: readonly Kept[]): Promise<void> {
  for (const { name, stored } of kept) {
    const now = await folder.head(name);
    if (now?.etag !== stored.etag || now?.sizeBytes !== stored.sizeBytes) {
      throw new Unchecked("changes an object by a PUT that fails");
    }
  }
  const allowed = new Set([...kept.map(({ name }) => name), "encoded", "replaced"]);
  const left = (await folder.list()).find((name) => !allowed.has(name));
  if (left === undefined) return;
  throw new Unchecked(
    left === "half" ? "stores a body that was cut off" : "stores bytes that it refuses",
  );
}

/** Throws if the answer says nothing about the bucket: it is busy or fails. */
function requireAnswer(answer: ProbeAnswer): void {
  const { status } = answer;
  if (status === 429 || (status >= 500 && status !== 501)) {
    throw new Error(`the bucket answered ${describe(answer)}`);
  }
}

function describe({ status, code }: ProbeAnswer): string {
  return code === undefined || !/^\w{1,64}$/.test(code) ? String(status) : `${status} ${code}`;
}
