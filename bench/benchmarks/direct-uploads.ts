import { createHash } from "node:crypto";
import { encodeNix32 } from "../../src/nix/encodings.ts";
import { bucketUrl, signRequest } from "../bucket/sign-request.ts";
import { type BucketProcess, totalOf } from "../bucket/start-bucket.ts";
import { openConnection } from "../load/http-connection.ts";
import { interleave } from "../measure/interleave.ts";
import { cpuMilliseconds, peakMemoryMegabytes } from "../measure/process-usage.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import { type BenchContext, cacheInside, openBucket, openGateway } from "./bench-context.ts";
import { directUpload, type PartToSend } from "./upload-api.ts";

const MEGABYTE = 1e6;
const CONNECTIONS = 4;
const MIB = 1024 * 1024;

/**
 * The size of a first upload, which is not measured. In each isolate, the first
 * upload of an hour sends one more bucket request, which looks for leftovers of
 * failed uploads; this one takes that request.
 */
const FIRST_MEGABYTES = 20;

interface Sources {
  readonly gateway: RunningProcess;
  readonly bucket: BucketProcess;
}

/**
 * Measures uploads of large NARs. Their bytes go straight to the bucket, and the
 * worker reads them back to prove them.
 */
export async function benchDirectUploads(context: BenchContext): Promise<Section> {
  const { isQuick } = context;
  const bucket = await openBucket(context);
  const cache = await cacheInside(context, false);
  const gateway = await openGateway(context, { bucket, cache });
  const sources = { gateway, bucket };
  await uploadOnce(sources, FIRST_MEGABYTES);
  const firstPeak = peakMemoryMegabytes(gateway.pid);

  const megabytes = isQuick ? 200 : 2000;
  context.say(`direct-uploads: ${megabytes} MB`);
  const measured = await interleave(
    {
      direct: () => uploadOnce(sources, megabytes),
      partsAlone: () => sendPartsAlone(bucket, megabytes),
      hash: async () => hashZeros(megabytes).cpuPerMegabyte,
    },
    isQuick ? 1 : 5,
  );
  return {
    benchmark: "direct-uploads",
    figures: describe(megabytes, firstPeak, measured),
    skipped: [],
  };
}

interface Run {
  readonly megabytesPerSecond: number;
  readonly cpuPerMegabyte: number;
  /** The peak memory of the worker after this upload, in MB. */
  readonly peak: number;
  readonly requests: number;
  readonly parts: number;
}

async function uploadOnce({ gateway, bucket }: Sources, megabytes: number): Promise<Run> {
  const { fileHash } = hashZeros(megabytes);
  const size = megabytes * MEGABYTE;
  await bucket.forgetRequests();
  const cpuBefore = cpuMilliseconds(gateway.pid);
  const startedAt = performance.now();
  const { parts } = await directUpload(gateway.url, { fileHash, size }, sendParts);
  const milliseconds = performance.now() - startedAt;
  const cpu = cpuMilliseconds(gateway.pid) - cpuBefore;
  const requests = totalOf(await bucket.countRequests());
  await bucket.drop("");
  return {
    megabytesPerSecond: (megabytes * 1000) / milliseconds,
    cpuPerMegabyte: cpu / megabytes,
    peak: peakMemoryMegabytes(gateway.pid),
    requests,
    parts,
  };
}

const zeros = new Uint8Array(64 * MIB);

interface Hashed {
  /** The SHA-256 of the bytes, in nix32. */
  readonly fileHash: string;
  readonly cpuPerMegabyte: number;
}

/** Hashes zero bytes, and measures the CPU of the hash in Node, in ms for each MB. */
function hashZeros(megabytes: number): Hashed {
  const before = process.cpuUsage();
  const hash = createHash("sha256");
  for (let left = megabytes * MEGABYTE; left > 0; left -= MIB) {
    hash.update(zeros.subarray(0, Math.min(left, MIB)));
  }
  const fileHash = encodeNix32(hash.digest());
  const { user, system } = process.cpuUsage(before);
  return { fileHash, cpuPerMegabyte: (user + system) / 1000 / megabytes };
}

async function sendParts(parts: readonly PartToSend[]): Promise<void> {
  const waiting = [...parts];
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      let part = waiting.shift();
      if (part === undefined) return;
      const connection = await openConnection(new URL(part.url).origin);
      for (; part !== undefined; part = waiting.shift()) {
        const { pathname, search } = new URL(part.url);
        const { status } = await connection.send({
          method: "PUT",
          path: pathname + search,
          headers: part.headers ?? {},
          body: zeros.subarray(0, part.size),
        });
        if (status !== 200)
          throw new Error(`the bucket answered part ${part.number} with ${status}`);
      }
      connection.close();
    }),
  );
}

// The part size of the gateway: 16 MiB, unless the NAR would have more than 10,000
// parts.
const PART_BYTES = 16 * MIB;

/**
 * Uploads the same parts without a gateway. Returns the speed in MB/s, which only the
 * bucket and the connection limit.
 */
async function sendPartsAlone(bucket: BucketProcess, megabytes: number): Promise<number> {
  const size = megabytes * MEGABYTE;
  const url = bucketUrl(bucket.url, "parts-alone");
  const createUrl = `${url}?uploads=`;
  const headers = await signRequest(createUrl, "POST");
  const created = await (await fetch(createUrl, { method: "POST", headers })).text();
  const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(created)?.[1] ?? "";
  const parts: PartToSend[] = [];
  for (let number = 1; (number - 1) * PART_BYTES < size; number++) {
    const partUrl = `${url}?partNumber=${number}&uploadId=${uploadId}`;
    const partSize = Math.min(PART_BYTES, size - (number - 1) * PART_BYTES);
    const signed = await signRequest(partUrl, "PUT");
    parts.push({ number, size: partSize, url: partUrl, headers: signed });
  }
  const startedAt = performance.now();
  await sendParts(parts);
  const milliseconds = performance.now() - startedAt;
  const abortUrl = `${url}?uploadId=${uploadId}`;
  await fetch(abortUrl, { method: "DELETE", headers: await signRequest(abortUrl, "DELETE") });
  return (megabytes * 1000) / milliseconds;
}

/** The repetitions of each subject. */
interface AllMeasured {
  readonly direct: readonly Run[];
  readonly partsAlone: readonly number[];
  readonly hash: readonly number[];
}

function describe(megabytes: number, firstPeak: number, measured: AllMeasured): Figure[] {
  const { direct, partsAlone, hash } = measured;
  const name = megabytes < 1000 ? `${megabytes} MB` : `${megabytes / 1000} GB`;
  const valuesOf = (what: keyof Run) => direct.map((run) => run[what]);
  const peak = Math.max(...valuesOf("peak"));
  return [
    createFigure({
      name: `${name}, peak memory`,
      unit: "MB",
      values: [peak],
      comparison: { name: `${FIRST_MEGABYTES} MB`, values: [firstPeak] },
    }),
    createFigure({ name: `${name}, growth of memory`, unit: "MB", values: [peak - firstPeak] }),
    createFigure({
      name,
      unit: "MB/s",
      values: valuesOf("megabytesPerSecond"),
      comparison: { name: "its parts alone", values: partsAlone },
    }),
    createFigure({
      name,
      unit: "ms/MB",
      values: valuesOf("cpuPerMegabyte"),
      comparison: { name: "SHA-256 alone", values: hash },
    }),
    createFigure({
      name,
      unit: "bucket requests",
      values: valuesOf("requests"),
      comparison: { name: "its parts", values: valuesOf("parts") },
    }),
  ];
}
