import { mkdtemp } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import { type RunningProcess, startProcess } from "../subjects/start-process.ts";
import {
  BUCKET,
  type BucketCallResult,
  type BucketCall,
  type BucketReply,
  type RequestCounts,
} from "./bucket-calls.ts";

/** The b2-server with one bucket, in a separate process. */
export interface BucketProcess extends RunningProcess {
  /** The settings that a worker needs to use the bucket. */
  readonly settings: Readonly<Record<string, string>>;
  /** Delays every answer. */
  setLatency(milliseconds: number): Promise<void>;
  /** Stores bodies from now on whatever SHA-256 their signatures give, as some servers do. */
  stopProving(): Promise<void>;
  forgetRequests(): Promise<void>;
  /** Counts the requests since the last `forgetRequests`. Correct for at most 20,000 requests. */
  countRequests(): Promise<RequestCounts>;
  put(path: string, text: string): Promise<void>;
  /** Stores zeros that need neither time nor space on the disk. Returns the file that contains them. */
  putZeros(path: string, sizeBytes: number): Promise<string>;
  /** Removes all versions of every object whose path begins with `path`. */
  drop(path: string): Promise<void>;
}

interface Waiting {
  resolve(reply: BucketReply): void;
  reject(error: Error): void;
}

const PROGRAM = fileURLToPath(new URL("bucket-main.ts", import.meta.url));

/** Starts the bucket in a new directory inside `parent`. */
export async function startBucket(parent: string): Promise<BucketProcess> {
  const directory = await mkdtemp(path.join(parent, "bucket-"));
  const port = await findFreePort();
  const running = await startProcess({
    program: process.execPath,
    args: ["--no-warnings", PROGRAM, directory, String(port)],
    port,
    options: { stdio: ["ignore", "ignore", "pipe", "ipc"] },
  });
  const { child } = running;
  const waiting = new Map<number, Waiting>();
  child.on("message", (message) => {
    const reply = message as BucketReply;
    waiting.get(reply.id)?.resolve(reply);
    waiting.delete(reply.id);
  });
  // The process has ended, so it will not answer the calls that still wait.
  child.once("disconnect", () => {
    for (const { reject } of waiting.values()) {
      reject(new Error("the bucket's process has ended"));
    }
    waiting.clear();
  });
  let asked = 0;
  async function ask(question: BucketCall): Promise<BucketCallResult> {
    const id = asked++;
    const { error, ...answer } = await new Promise<BucketReply>((resolve, reject) => {
      if (!child.connected) {
        reject(new Error("the bucket's process has ended"));
        return;
      }
      waiting.set(id, { resolve, reject });
      child.send({ id, question }, (notSent) => {
        if (notSent !== null) reject(notSent);
      });
    });
    if (error !== undefined) throw new Error(`the bucket's process failed: ${error}`);
    return answer;
  }

  return {
    ...running,
    settings: bucketSettings(running.url),
    async setLatency(milliseconds) {
      await ask({ call: "setLatency", milliseconds });
    },
    async stopProving() {
      await ask({ call: "stopProving" });
    },
    async forgetRequests() {
      await ask({ call: "forgetRequests" });
    },
    async countRequests() {
      const { counts = {} } = await ask({ call: "countRequests" });
      return counts;
    },
    async put(objectPath, text) {
      await ask({ call: "put", key: keyOf(objectPath), text });
    },
    async putZeros(objectPath, sizeBytes) {
      const { file } = await ask({ call: "putZeros", key: keyOf(objectPath), sizeBytes });
      if (file === undefined)
        throw new Error("the bucket's process did not return the file of the zeros");
      return file;
    },
    async drop(objectPath) {
      await ask({ call: "drop", keyPrefix: keyOf(objectPath) });
    },
  };
}

/** Returns the settings that a worker needs to use the bucket behind an endpoint. */
export function bucketSettings(endpoint: string): Readonly<Record<string, string>> {
  return {
    B2_ENDPOINT: endpoint,
    B2_REGION: BUCKET.region,
    B2_BUCKET: BUCKET.name,
    B2_PREFIX: BUCKET.prefix,
    B2_KEY_ID: BUCKET.keyId,
    B2_APPLICATION_KEY: BUCKET.secret,
  };
}

function keyOf(objectPath: string): string {
  return `${BUCKET.prefix}${objectPath}`;
}

/** Returns the number of requests of all operations. */
export function totalOf(counts: RequestCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
