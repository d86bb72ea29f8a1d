/**
 * The bucket in a process of its own: `node bucket-main.ts DIRECTORY PORT`. It
 * takes what `bucket-calls.ts` lists over the channel to the benchmark.
 */
import { startS3Server } from "../../src/s3-server/s3-server.ts";
import { BUCKET, type BucketCall, type BucketQuestion, type BucketReply } from "./bucket-calls.ts";

const [directory = "", port = ""] = process.argv.slice(2);

const server = await startS3Server({
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
    (counts) => reply({ id, ...(counts === undefined ? {} : { counts }) }),
    (error: unknown) => reply({ id, error: String(error) }),
  );
});
process.once("disconnect", () => process.exit());
process.once("SIGTERM", () => process.exit());

function reply(message: BucketReply): void {
  process.send?.(message);
}

async function answer(call: BucketCall): Promise<Record<string, number> | undefined> {
  switch (call.call) {
    case "setLatency":
      server.faults.setLatency(call.milliseconds);
      return undefined;
    case "forgetRequests":
      server.requests.clear();
      return undefined;
    case "countRequests":
      return countByOperation();
    case "put":
      await bucket.putObject(call.key, {}, once(Buffer.from(call.text)));
      return undefined;
    case "putZeros":
      await bucket.putObject(call.key, {}, zeros(call.sizeBytes));
      return undefined;
    case "drop":
      await drop(call.keyPrefix);
      return undefined;
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

async function* zeros(sizeBytes: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(1024 * 1024);
  for (let left = sizeBytes; left > 0; left -= chunk.byteLength) {
    yield chunk.subarray(0, Math.min(left, chunk.byteLength));
  }
}
