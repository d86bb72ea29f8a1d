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

/** The S3 server of this project, in a process of its own. */
export interface BucketProcess extends RunningProcess {
  /** The settings with which a worker reaches it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Before every answer. */
  setLatency(milliseconds: number): Promise<void>;
  forgetRequests(): Promise<void>;
  /** Since the last `forgetRequests`, as long as they are fewer than 20,000. */
  countRequests(): Promise<RequestCounts>;
  put(path: string, text: string): Promise<void>;
  /** Zeros that take neither space on the disk nor time; gives the file that they are in. */
  putZeros(path: string, sizeBytes: number): Promise<string>;
  /** Drops every object below a path, with the space it takes. */
  drop(path: string): Promise<void>;
}

interface Waiting {
  resolve(reply: BucketReply): void;
  reject(error: Error): void;
}

const PROGRAM = fileURLToPath(new URL("bucket-main.ts", import.meta.url));

export async function startBucket(parent: string): Promise<BucketProcess> {
  const directory = await mkdtemp(path.join(parent, "bucket-"));
  const port = await findFreePort();
  const running = await startProcess({
    program: process.execPath,
    args: ["--no-warnings", PROGRAM, directory, String(port)],
    port,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const { child } = running;
  const waiting = new Map<number, Waiting>();
  child.on("message", (message) => {
    const reply = message as BucketReply;
    waiting.get(reply.id)?.resolve(reply);
    waiting.delete(reply.id);
  });
  // It answers nobody any more, whatever ended it.
  child.once("disconnect", () => {
    for (const { reject } of waiting.values()) reject(new Error("the bucket has ended"));
    waiting.clear();
  });
  let asked = 0;
  async function ask(question: BucketCall): Promise<BucketCallResult> {
    const id = asked++;
    const { error, ...answer } = await new Promise<BucketReply>((resolve, reject) => {
      if (!child.connected) {
        reject(new Error("the bucket has ended"));
        return;
      }
      waiting.set(id, { resolve, reject });
      child.send({ id, question }, (notSent) => {
        if (notSent !== null) reject(notSent);
      });
    });
    if (error !== undefined) throw new Error(`the bucket: ${error}`);
    return answer;
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
    async countRequests() {
      const { counts = {} } = await ask({ call: "countRequests" });
      return counts;
    },
    async put(objectPath, text) {
      await ask({ call: "put", key: keyOf(objectPath), text });
    },
    async putZeros(objectPath, sizeBytes) {
      const { file } = await ask({ call: "putZeros", key: keyOf(objectPath), sizeBytes });
      if (file === undefined) throw new Error("the bucket did not say where the zeros are");
      return file;
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
