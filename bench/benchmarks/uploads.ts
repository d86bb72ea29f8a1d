import { createHash, randomBytes } from "node:crypto";
import { type BucketProcess, totalOf } from "../bucket/start-bucket.ts";
import { openConnection, type Request } from "../load/http-connection.ts";
import { interleave } from "../measure/interleave.ts";
import { cpuMilliseconds, peakMemoryMegabytes } from "../measure/process-usage.ts";
import { withSecondTurn } from "../measure/second-turn.ts";
import { encodeNix32 } from "../../src/nix/encodings.ts";
import { createFigure, type Figure, type Unit } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import type { TargetName } from "../report/targets.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import {
  type BenchContext,
  cacheInside,
  openBucket,
  openGateway,
  openSmallest,
  PUSH_TOKEN,
} from "./bench-context.ts";

const MEGABYTE = 1e6;

interface Upload {
  readonly name: string;
  readonly bytes: number;
  /** Uploads in one repetition, one after the other. */
  readonly count: number;
  readonly request: Request;
}

/** Creates the upload of a NAR of random bytes. Its name contains the hash of the bytes. */
function createUpload(name: string, megabytes: number, count: number): Upload {
  const body = randomBytes(megabytes * MEGABYTE);
  const hash = createHash("sha256").update(body).digest();
  const path = `/nar/${encodeNix32(hash)}.nar`;
  const headers = { authorization: `Bearer ${PUSH_TOKEN}` };
  const request: Request = { method: "PUT", path, headers, body };
  return { name, bytes: body.byteLength, count, request };
}

// V8 compiles the code during the first few rounds of uploads of 1 MB.
const WARM_UP_ROUNDS = 6;

/**
 * Measures uploads that go through the worker, as `nix copy` sends them. Cloudflare
 * limits a request to 100 MB.
 */
export async function benchUploads(context: BenchContext): Promise<Section> {
  const bucket = await openBucket(context);
  const cache = await cacheInside(context, false);
  const gateway = await openGateway(context, { bucket, cache });
  const smallest = await openSmallest(context, "read-hash-and-send", { bucket });
  const small = createUpload("1 MB", 1, context.isQuick ? 25 : 40);
  const large = createUpload("90 MB", 90, 1);

  const figures = await measureMemory(gateway, small, large);
  const rounds = context.isQuick ? 2 : WARM_UP_ROUNDS;
  for (let round = 0; round < rounds; round++) await sendTo(smallest, small);
  for (const upload of [small, large]) {
    context.say(`uploads: ${upload.name}`);
    figures.push(...(await measure(upload, { gateway, smallest }, bucket, context.isQuick)));
  }
  return { benchmark: "uploads", figures, skipped: [] };
}

interface Sent {
  readonly megabytesPerSecond: number;
  readonly cpuPerMegabyte: number;
}

interface Measured extends Sent {
  /** Bucket requests for each upload. */
  readonly bucketRequests: number;
}

async function sendTo(process: RunningProcess, upload: Upload): Promise<Sent> {
  const connection = await openConnection(process.url);
  const cpuBefore = cpuMilliseconds(process.pid);
  const startedAt = performance.now();
  for (let count = 0; count < upload.count; count++) {
    const { status } = await connection.send(upload.request);
    if (status !== 200) throw new Error(`${upload.name}: the answer has status ${status}, not 200`);
  }
  const milliseconds = performance.now() - startedAt;
  connection.close();
  const megabytes = (upload.bytes * upload.count) / MEGABYTE;
  return {
    megabytesPerSecond: (megabytes * 1000) / milliseconds,
    cpuPerMegabyte: (cpuMilliseconds(process.pid) - cpuBefore) / megabytes,
  };
}

/**
 * Measures the growth of memory from small to large uploads. Needs a gateway that has
 * not served anything yet, because an allocator does not return memory to the system.
 */
async function measureMemory(
  gateway: RunningProcess,
  small: Upload,
  large: Upload,
): Promise<Figure[]> {
  for (let round = 0; round < WARM_UP_ROUNDS; round++) await sendTo(gateway, small);
  const before = peakMemoryMegabytes(gateway.pid);
  await sendTo(gateway, large);
  await sendTo(gateway, large);
  const after = peakMemoryMegabytes(gateway.pid);
  const comparison = { name: "1 MB", values: [before] };
  return [
    createFigure({ name: "1 MB, peak memory", unit: "MB", values: [before] }),
    createFigure({ name: "90 MB, peak memory", unit: "MB", values: [after], comparison }),
    createFigure({
      name: "90 MB, growth of memory",
      unit: "MB",
      values: [after - before],
      target: "uploadMemory",
    }),
  ];
}

async function measure(
  upload: Upload,
  { gateway, smallest }: Readonly<Record<"gateway" | "smallest", RunningProcess>>,
  bucket: BucketProcess,
  isQuick: boolean,
): Promise<Figure[]> {
  const send = async (process: RunningProcess): Promise<Measured> => {
    await bucket.forgetRequests();
    const sent = await sendTo(process, upload);
    const requests = totalOf(await bucket.countRequests());
    // Each upload leaves a version in the bucket. Remove them, or they fill the disk.
    await bucket.drop(upload.request.path.slice(1));
    return { ...sent, bucketRequests: requests / upload.count };
  };
  return await withSecondTurn(
    () =>
      interleave(
        { gateway: () => send(gateway), smallest: () => send(smallest) },
        isQuick ? 3 : 15,
      ),
    (measured) => describe(upload, measured),
  );
}

function describe(
  upload: Upload,
  measured: Readonly<Record<"gateway" | "smallest", readonly Measured[]>>,
): Figure[] {
  const compare = (unit: Unit, what: keyof Measured, target?: TargetName) =>
    createFigure({
      name: upload.name,
      unit,
      values: measured.gateway.map((one) => one[what]),
      comparison: {
        name: "read, hash and send",
        values: measured.smallest.map((one) => one[what]),
      },
      ...(target === undefined ? {} : { target }),
    });
  return [
    compare("MB/s", "megabytesPerSecond"),
    compare("ms/MB", "cpuPerMegabyte", "uploadCpu"),
    compare("bucket requests", "bucketRequests", "sameRequests"),
  ];
}
