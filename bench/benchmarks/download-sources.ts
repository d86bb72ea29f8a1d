import { mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { bucketUrl, signRequest } from "../bucket/sign-request.ts";
import type { BucketProcess } from "../bucket/start-bucket.ts";
import { openConnection } from "../load/http-connection.ts";
import { cpuMilliseconds } from "../measure/process-usage.ts";
import { startNginx } from "../subjects/start-nginx.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import type { BenchContext } from "./bench-context.ts";
import { madeUpNar } from "./made-up-paths.ts";

const MEGABYTE = 1e6;

/** A download of a whole NAR, or of its second half, as a client resumes it. */
export interface Download {
  readonly name: string;
  readonly objectPath: string;
  readonly range: string | undefined;
  readonly bytes: number;
}

/** The load of one repetition: the number of connections, and of downloads on each. */
export interface Load {
  readonly connections: number;
  readonly count: number;
}

/** A server to download from, and how to send it a request. */
export interface Source {
  readonly process: RunningProcess;
  pathOf(download: Download): string;
  headersOf(download: Download): Promise<Readonly<Record<string, string>>>;
}

const sizeName = (megabytes: number) =>
  megabytes < 1000 ? `${megabytes} MB` : `${megabytes / 1000} GB`;

const narOf = (megabytes: number) => madeUpNar(sizeName(megabytes));

/** Returns the download of a whole NAR. */
export function whole(megabytes: number): Download {
  const bytes = megabytes * MEGABYTE;
  const name = `${sizeName(megabytes)}, whole`;
  return { name, objectPath: narOf(megabytes), range: undefined, bytes };
}

/** Returns the download of the second half of a NAR, by Range. */
export function secondHalf(megabytes: number): Download {
  const bytes = (megabytes * MEGABYTE) / 2;
  const name = `${sizeName(megabytes)}, by Range`;
  return { name, objectPath: narOf(megabytes), range: `bytes=${bytes}-`, bytes };
}

function rangeHeader({ range }: Download): Readonly<Record<string, string>> {
  return range === undefined ? {} : { range };
}

/** Returns a worker or nginx as a source. */
export function fromServer(process: RunningProcess): Source {
  return {
    process,
    pathOf: ({ objectPath }) => `/${objectPath}`,
    headersOf: async (download) => rangeHeader(download),
  };
}

/** Returns the bucket as a source. Its requests are signed. */
export function fromBucket(bucket: BucketProcess): Source {
  const urlOf = ({ objectPath }: Download) => new URL(bucketUrl(bucket.url, objectPath));
  return {
    process: bucket,
    pathOf: (download) => urlOf(download).pathname,
    headersOf: async (download) => ({
      ...(await signRequest(urlOf(download).href)),
      ...rangeHeader(download),
    }),
  };
}

/** The files in which the bucket stores the NARs, by the NARs' paths in the cache. */
export type Nars = ReadonlyMap<string, string>;

/** Puts a NAR of each size, in MB, into the bucket. */
export async function putNars(bucket: BucketProcess, sizes: readonly number[]): Promise<Nars> {
  const nars = new Map<string, string>();
  for (const megabytes of sizes) {
    const objectPath = narOf(megabytes);
    nars.set(objectPath, await bucket.putZeros(objectPath, megabytes * MEGABYTE));
  }
  return nars;
}

/**
 * Starts nginx with the same files as the bucket. The page cache then holds the 2 GB
 * only once, and reads them within seconds.
 */
export async function openNginx(context: BenchContext, nars: Nars): Promise<RunningProcess> {
  const nginx = await startNginx(context.directory);
  context.teardown.add(() => nginx.stop());
  await mkdir(path.join(nginx.root, "nar"));
  for (const [objectPath, file] of nars) await symlink(file, path.join(nginx.root, objectPath));
  return nginx;
}

export interface Measured {
  readonly megabytesPerSecond: number;
  readonly cpuPerMegabyte: number;
}

/** Sends the load to a source. Returns the speed, and the CPU of the source's process. */
export async function fetchFrom(source: Source, download: Download, load: Load): Promise<Measured> {
  const { process, pathOf, headersOf } = source;
  const { bytes, range } = download;
  const connections = await Promise.all(
    Array.from({ length: load.connections }, () => openConnection(process.url)),
  );
  const request = { path: pathOf(download), headers: await headersOf(download) };
  const cpuBefore = cpuMilliseconds(process.pid);
  const startedAt = performance.now();
  await Promise.all(
    connections.map(async (connection) => {
      for (let count = 0; count < load.count; count++) {
        const { status, bodyBytes } = await connection.send(request);
        if (status !== (range === undefined ? 200 : 206) || bodyBytes !== bytes) {
          throw new Error(
            `${download.name}: the answer has status ${status} and ${bodyBytes} bytes`,
          );
        }
      }
    }),
  );
  const milliseconds = performance.now() - startedAt;
  for (const connection of connections) connection.close();
  const megabytes = (bytes * load.count * load.connections) / MEGABYTE;
  return {
    megabytesPerSecond: (megabytes * 1000) / milliseconds,
    cpuPerMegabyte: (cpuMilliseconds(process.pid) - cpuBefore) / megabytes,
  };
}
