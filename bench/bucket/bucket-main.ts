/**
 * Runs the bucket in a separate process: `node bucket-main.ts DIRECTORY PORT`.
 * Accepts the calls in `bucket-calls.ts` over the IPC channel to the benchmark.
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

/** The first bytes of every NAR. The gateway lets caches keep only what begins as one. */
const NAR_HEAD = "\r\0\0\0\0\0\0\0nix-archive-1\0\0\0";

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
  // The benchmark does not measure the disk of this machine.
  durable: false,
});
const found = server.store.bucket(BUCKET.name);
if (found === undefined) throw new Error("the b2-server did not open the bucket");
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
    case "stopProving":
      server.faults.add({ effect: { ignoreSha256: true } });
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
  // List the versions first: deleting a version changes the index.
  const keys = [...bucket.index.keysFrom(keyPrefix)].filter((key) => key.startsWith(keyPrefix));
  const versions = keys.flatMap((key) => bucket.index.versionsOf(key));
  for (const version of versions) await bucket.deleteVersion(version);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/**
 * Stores the first bytes of a NAR and then extends the file with zeros, without writing them.
 * Writing and hashing 2 GB would take longer than all measurements with them. The
 * entity tag stays that of the first bytes; the benchmark does not check it. Returns
 * the file's path.
 */
async function putZeros(key: string, sizeBytes: number): Promise<string> {
  const head = await bucket.putObject(key, {}, once(new TextEncoder().encode(NAR_HEAD)));
  const body = await bucket.openBody(head);
  // The b2-server does not reveal where it stores an object, but Linux knows the path
  // of the open file.
  const file = await readlink(`/proc/self/fd/${body.fd}`);
  await body.close();
  await truncate(file, sizeBytes);
  bucket.index.remove(head);
  bucket.index.add({ ...head, sizeBytes });
  return file;
}
