import { mkdtemp } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../../test/setup/find-free-port.ts";
import { type RunningProcess, startProcess } from "../subjects/start-process.ts";
import { BUCKET, type BucketCall, type BucketReply, type RequestCounts } from "./bucket-calls.ts";

/** The S3 server of this project, in a process of its own. */
export interface Bucket extends RunningProcess {
  /** The settings with which a worker reaches it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Before every answer. */
  setLatency(milliseconds: number): Promise<void>;
  forgetRequests(): Promise<void>;
  /** Since the last `forgetRequests`, as long as they are fewer than 20,000. */
  countRequests(): Promise<RequestCounts>;
  put(path: string, text: string): Promise<void>;
  putZeros(path: string, sizeBytes: number): Promise<void>;
  /** Drops every object below a path, with the space it takes. */
  drop(path: string): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("bucket-main.ts", import.meta.url));

export async function startBucket(parent: string): Promise<Bucket> {
  const directory = await mkdtemp(path.join(parent, "bucket-"));
  const port = await findFreePort();
  const running = await startProcess({
    program: process.execPath,
    args: ["--no-warnings", PROGRAM, directory, String(port)],
    port,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const { child } = running;
  const waiting = new Map<number, (reply: BucketReply) => void>();
  child.on("message", (message) => {
    const reply = message as BucketReply;
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  let asked = 0;
  async function ask(question: BucketCall): Promise<RequestCounts> {
    const id = asked++;
    const { error, counts = {} } = await new Promise<BucketReply>((resolve) => {
      waiting.set(id, resolve);
      child.send({ id, question });
    });
    if (error !== undefined) throw new Error(`the bucket: ${error}`);
    return counts;
  }

  return {
    ...running,
    settings: {
      B2_ENDPOINT: running.url,
      B2_REGION: BUCKET.region,
      B2_BUCKET: BUCKET.name,
      B2_PREFIX: BUCKET.prefix,
      B2_KEY_ID: BUCKET.keyId,
      B2_APPLICATION_KEY: BUCKET.secret,
    },
    async setLatency(milliseconds) {
      await ask({ call: "setLatency", milliseconds });
    },
    async forgetRequests() {
      await ask({ call: "forgetRequests" });
    },
    countRequests: () => ask({ call: "countRequests" }),
    async put(objectPath, text) {
      await ask({ call: "put", key: keyOf(objectPath), text });
    },
    async putZeros(objectPath, sizeBytes) {
      await ask({ call: "putZeros", key: keyOf(objectPath), sizeBytes });
    },
    async drop(objectPath) {
      await ask({ call: "drop", keyPrefix: keyOf(objectPath) });
    },
  };
}

function keyOf(objectPath: string): string {
  return `${BUCKET.prefix}${objectPath}`;
}

/** All of them, whatever they were. */
export function totalOf(counts: RequestCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
