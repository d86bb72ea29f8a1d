/**
 * The bucket in a process of its own: `node bucket-main.ts DIRECTORY PORT`. It
 * takes what `bucket-calls.ts` lists over the channel to the benchmark.
 */
import { readlink, truncate } from "node:fs/promises";
import { startB2Server } from "../../tools/b2-server/b2-server.ts";
import {
  BUCKET,
  type BucketCallResult,
  type BucketCall,
  type BucketQuestion,
  type BucketReply,
} from "./bucket-calls.ts";

const [directory = "", port = ""] = process.argv.slice(2);

const server = await startB2Server({
  directory,
  region: BUCKET.region,
  buckets: [BUCKET.name],
  port: Number(port),
  keys: [
    {
      keyId: BUCKET.keyId,
      secret: BUCKET.secret,
      capabilities: new Set(["listFiles", "readFiles", "writeFiles"] as const),
    },
  ],
  // The disk of this machine is not what is measured.
  durable: false,
});
const found = server.store.bucket(BUCKET.name);
if (found === undefined) throw new Error("the bucket was not opened");
const bucket = found;

process.on("message", (question) => {
  const { id, question: call } = question as BucketQuestion;
  answer(call).then(
    (answered) => reply({ id, ...answered }),
    (error: unknown) => reply({ id, error: String(error) }),
  );
});
process.once("disconnect", () => process.exit());
process.once("SIGTERM", () => process.exit());

function reply(message: BucketReply): void {
  process.send?.(message);
}

async function answer(call: BucketCall): Promise<BucketCallResult> {
  switch (call.call) {
    case "setLatency":
      server.faults.setLatency(call.milliseconds);
      return {};
    case "forgetRequests":
      server.requests.clear();
      return {};
    case "countRequests":
      return { counts: countByOperation() };
    case "put":
      await bucket.putObject(call.key, {}, once(Buffer.from(call.text)));
      return {};
    case "putZeros":
      return { file: await putZeros(call.key, call.sizeBytes) };
    case "drop":
      await drop(call.keyPrefix);
      return {};
  }
}

function countByOperation(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { operation } of server.requests.list()) {
    counts[operation] = (counts[operation] ?? 0) + 1;
  }
  return counts;
}

async function drop(keyPrefix: string): Promise<void> {
  // Listed first, since what is dropped leaves the index.
  const keys = [...bucket.index.keysFrom(keyPrefix)].filter((key) => key.startsWith(keyPrefix));
  const versions = keys.flatMap((key) => bucket.index.versionsOf(key));
  for (const version of versions) await bucket.deleteVersion(version);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/**
 * Stores an object and makes its file longer, by zeros that were never written:
 * writing and hashing 2 GB takes longer than all that is measured with them. The
 * entity tag is the empty object's, which nobody checks. Gives the file's path.
 */
async function putZeros(key: string, sizeBytes: number): Promise<string> {
  const empty = await bucket.putObject(key, {}, once(new Uint8Array()));
  const body = await bucket.openBody(empty);
  // Where the server keeps it is its own affair, but Linux knows the open file.
  const file = await readlink(`/proc/self/fd/${body.fd}`);
  await body.close();
  await truncate(file, sizeBytes);
  bucket.index.remove(empty);
  bucket.index.add({ ...empty, sizeBytes });
  return file;
}
