import type { ProbeAnswer, ProbeFolder, ProbePut } from "../src/checks/payload-probe.ts";

/** The ways in which a server may fail to prove the bytes of a PUT. */
export interface ProbeFaults {
  readonly ignoresHash?: boolean;
  /** Stores what it refuses, under a new name. */
  readonly storesRefused?: boolean;
  /** Stores what it refuses, over an object. */
  readonly replacesByRefused?: boolean;
  readonly storesHalves?: boolean;
  /** Stores a cut body over an object, and nothing under a new name. */
  readonly replacesByHalves?: boolean;
  readonly acceptsUnsigned?: "x-amz-meta-probe" | "x-amz-copy-source";
  readonly acceptsOld?: boolean;
  /** Keeps Content-Encoding in a copy that replaces the metadata. */
  readonly keepsMetadata?: boolean;
  /** Refuses headers that are not signed, also harmless ones. */
  readonly refusesUnsigned?: boolean;
  /** Only bodies of at least this size meet the faults. */
  readonly fromBytes?: number;
  /** The answer to wrong bytes. */
  readonly refusal?: ProbeAnswer;
  /** The answer to every PUT. */
  readonly answer?: ProbeAnswer;
}

interface FakeObject {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly contentEncoding: string | undefined;
}

const OK: ProbeAnswer = { status: 200, code: undefined };
const REFUSED: ProbeAnswer = { status: 403, code: "AccessDenied" };

/** A bucket's folder in memory, which proves what is put there except for the faults. */
export function createFakeProbeFolder(faults: ProbeFaults = {}): ProbeFolder & {
  readonly objects: ReadonlyMap<string, FakeObject>;
} {
  const objects = new Map<string, FakeObject>();
  const {
    refusal = { status: 400, code: "XAmzContentSHA256Mismatch" },
    fromBytes = 0,
    acceptsUnsigned,
  } = faults;
  const isFaulty = ({ sizeBytes }: ProbePut) => sizeBytes >= fromBytes;
  function store({ name, firstByte, unsignedHeaders = {} }: ProbePut, sizeBytes: number): void {
    const contentEncoding = unsignedHeaders["content-encoding"];
    objects.set(name, { sizeBytes, etag: `"${sizeBytes}/${firstByte}"`, contentEncoding });
  }

  async function put(request: ProbePut): Promise<ProbeAnswer> {
    if (faults.answer !== undefined) return faults.answer;
    const { name, sizeBytes, firstByte, ageSeconds = 0, unsignedHeaders = {} } = request;
    if (ageSeconds > 900 && faults.acceptsOld !== true) return REFUSED;
    for (const header of Object.keys(unsignedHeaders)) {
      if (faults.refusesUnsigned === true) return REFUSED;
      if (header.startsWith("x-amz-") && header !== acceptsUnsigned) return REFUSED;
    }
    const isRight = firstByte === 0 || (faults.ignoresHash === true && isFaulty(request));
    if (!isRight) {
      const stores = objects.has(name) ? faults.replacesByRefused : faults.storesRefused;
      if (stores === true && isFaulty(request)) store(request, sizeBytes);
      return refusal;
    }
    store(request, sizeBytes);
    return OK;
  }

  return {
    objects,
    put,
    async putHalf(request) {
      const stores = objects.has(request.name) ? faults.replacesByHalves : faults.storesHalves;
      if (stores === true) store(request, Math.floor(request.sizeBytes / 2));
    },
    async copy(from, to) {
      const source = objects.get(from);
      if (source === undefined) return { status: 404, code: "NoSuchKey" };
      const { contentEncoding } = source;
      const kept = faults.keepsMetadata === true ? contentEncoding : undefined;
      objects.set(to, { ...source, contentEncoding: kept });
      return OK;
    },
    head: async (name) => objects.get(name),
    list: async () => [...objects.keys()],
    delete: async (name) => void objects.delete(name),
    copySource: (name) => `/bucket/${name}`,
    sleep: async () => {},
  };
}
