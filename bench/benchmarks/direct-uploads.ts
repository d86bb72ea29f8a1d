import { createHash } from "node:crypto";
import { encodeNix32 } from "../../src/nix/base32.ts";
import { bucketUrl, signRequest } from "../bucket/sign-request.ts";
import { type Bucket, totalOf } from "../bucket/start-bucket.ts";
import { startForgettingCache } from "../load/forgetting-cache.ts";
import { openConnection } from "../load/http-connection.ts";
import { cpuMilliseconds, peakMemoryMegabytes } from "../measure/process-usage.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import { type BenchContext, openBucket, openGateway } from "./bench-context.ts";
import { directUpload, type PartToSend } from "./upload-api.ts";

const MEGABYTE = 1e6;
const CONNECTIONS = 4;
const MIB = 1024 * 1024;

/** A NAR so large that its bytes go past the worker, which reads them back to prove them. */
export async function benchDirectUploads(context: BenchContext): Promise<Section> {
  const benchmark = "direct-uploads";
  const bucket = await openBucket(context);
  const cache = await startForgettingCache();
  context.teardown.add(() => cache.close());
  const gateway = await openGateway(context, { bucket, cache });
  const probe = await fetch(`${gateway.url}/api/v1/cache`);
  if (probe.status !== 200) {
    await probe.body?.cancel();
    return { benchmark, figures: [], skipped: ["this gateway has no /api/v1/uploads"] };
  }
  const megabytes = context.isQuick ? 300 : 2000;
  const runs: Run[] = [];
  for (let repetition = 0; repetition < (context.isQuick ? 1 : 3); repetition++) {
    context.say(`direct-uploads: ${megabytes} MB`);
    runs.push(await runOnce(gateway, bucket, megabytes));
  }
  return { benchmark, figures: describe(runs, megabytes), skipped: [] };
}

interface Run {
  readonly seconds: number;
  readonly partsAloneSeconds: number;
  readonly cpuPerMegabyte: number;
  readonly hashPerMegabyte: number;
  readonly peakBefore: number;
  readonly peakAfter: number;
  readonly requests: number;
  readonly parts: number;
}

async function runOnce(gateway: RunningProcess, bucket: Bucket, megabytes: number): Promise<Run> {
  const size = megabytes * MEGABYTE;
  const cpuOfHash = process.cpuUsage();
  const fileHash = hashOfZeros(size);
  const hashed = process.cpuUsage(cpuOfHash);
  const objectPath = `nar/${fileHash}.nar`;

  const peakBefore = peakMemoryMegabytes(gateway.pid);
  const cpuBefore = cpuMilliseconds(gateway.pid);
  await bucket.forgetRequests();
  const startedAt = performance.now();
  const { partSize, parts } = await directUpload(gateway.url, { fileHash, size }, sendParts);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = cpuMilliseconds(gateway.pid) - cpuBefore;
  const requests = totalOf(await bucket.countRequests());
  const peakAfter = peakMemoryMegabytes(gateway.pid);
  await bucket.drop("");
  const partsAloneSeconds = await sendPartsAlone(bucket, objectPath, size, partSize);
  await bucket.drop("");
  return {
    seconds,
    partsAloneSeconds,
    cpuPerMegabyte: cpu / megabytes,
    hashPerMegabyte: (hashed.user + hashed.system) / 1000 / megabytes,
    peakBefore,
    peakAfter,
    requests,
    parts,
  };
}

const zeros = new Uint8Array(64 * MIB);

function hashOfZeros(sizeBytes: number): string {
  const hash = createHash("sha256");
  for (let left = sizeBytes; left > 0; left -= MIB)
    hash.update(zeros.subarray(0, Math.min(left, MIB)));
  return encodeNix32(hash.digest());
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
        if (status !== 200) throw new Error(`part ${part.number} was answered ${status}`);
      }
      connection.close();
    }),
  );
}

/** The same parts without a gateway: what the bucket and the line take of the time. */
async function sendPartsAlone(
  bucket: Bucket,
  objectPath: string,
  sizeBytes: number,
  partSize: number,
): Promise<number> {
  const url = bucketUrl(bucket.url, objectPath);
  const createUrl = `${url}?uploads=`;
  const headers = await signRequest(createUrl, "POST");
  const created = await (await fetch(createUrl, { method: "POST", headers })).text();
  const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(created)?.[1] ?? "";
  const parts: PartToSend[] = [];
  for (let number = 1; (number - 1) * partSize < sizeBytes; number++) {
    const partUrl = `${url}?partNumber=${number}&uploadId=${uploadId}`;
    const size = Math.min(partSize, sizeBytes - (number - 1) * partSize);
    parts.push({ number, size, url: partUrl, headers: await signRequest(partUrl, "PUT") });
  }
  const startedAt = performance.now();
  await sendParts(parts);
  const seconds = (performance.now() - startedAt) / 1000;
  const abortUrl = `${url}?uploadId=${uploadId}`;
  await fetch(abortUrl, { method: "DELETE", headers: await signRequest(abortUrl, "DELETE") });
  return seconds;
}

function describe(runs: readonly Run[], megabytes: number): Figure[] {
  const name = megabytes < 1000 ? `${megabytes} MB` : `${megabytes / 1000} GB`;
  return [
    createFigure({
      name,
      unit: "MB/s",
      values: runs.map(({ seconds }) => megabytes / seconds),
      comparison: {
        name: "its parts alone",
        values: runs.map(({ partsAloneSeconds }) => megabytes / partsAloneSeconds),
      },
    }),
    createFigure({
      name,
      unit: "ms/MB",
      values: runs.map(({ cpuPerMegabyte }) => cpuPerMegabyte),
      comparison: {
        name: "SHA-256 alone",
        values: runs.map(({ hashPerMegabyte }) => hashPerMegabyte),
      },
    }),
    createFigure({
      name: `${name}, growth of memory`,
      unit: "MB",
      values: runs.slice(0, 1).map(({ peakAfter, peakBefore }) => peakAfter - peakBefore),
      comparison: {
        name: "its peak before",
        values: runs.slice(0, 1).map(({ peakBefore }) => peakBefore),
      },
    }),
    createFigure({
      name,
      unit: "bucket requests",
      values: runs.map(({ requests }) => requests),
      comparison: { name: "its parts", values: runs.map(({ parts }) => parts) },
    }),
  ];
}
