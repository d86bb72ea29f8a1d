import { createHash } from "node:crypto";
import { CONTENT_TYPES } from "../../src/http/response-headers.ts";
import {
  copySourceOf,
  copyWithNewMetadata,
  describeAnswer,
  describeRefusal,
  describeStored,
  listKeys,
  prepareObject,
  readObject,
} from "./bucket-steps.ts";
import type { CanaryBucket } from "./canary-bucket.ts";
import { type Check, known } from "../../src/checks/check.ts";
import { putAndHangUp, putRaw } from "./raw-request.ts";

// Time for the server to notice that the client closed the connection.
const HANG_UP_MILLISECONDS = 1000;

const OLD = "the old object";
const NEW = "the new object";

/** Checks for writes, deletes and copies. */
export const WRITE_CHECKS: readonly Check<CanaryBucket>[] = [
  {
    check: "PUT with the SHA-256 of other bytes",
    observe: (bucket) =>
      putWith(bucket, "wrong-sha256", {
        "x-amz-content-sha256": createHash("sha256").update(OLD).digest("hex"),
      }),
  },
  {
    check: "PUT with the Content-MD5 of other bytes",
    observe: (bucket) =>
      putWith(bucket, "wrong-md5", {
        "content-md5": createHash("md5").update(OLD).digest("base64"),
      }),
  },
  {
    check: "PUT cut off before its Content-Length",
    // This was seen twice, on eu-central-003 in October 2026.
    expected: known("B2", "nothing stored, old object kept"),
    async observe(bucket) {
      await prepareObject(bucket, "cut-old", OLD);
      for (const name of ["cut-new", "cut-old"]) {
        const signed = await bucket.sign({ method: "PUT", name });
        await putAndHangUp({ ...signed, framing: "Content-Length: 1000", body: NEW });
      }
      await bucket.sleep(HANG_UP_MILLISECONDS);
      return `${await describeStored(bucket, "cut-new")}, ${await describeOld(bucket, "cut-old")}`;
    },
  },
  {
    check: "PUT without Content-Length (chunked)",
    async observe(bucket) {
      const name = "chunked";
      const signed = await bucket.sign({ method: "PUT", name });
      const body = `${NEW.length.toString(16)}\r\n${NEW}\r\n0\r\n\r\n`;
      const answer = await putRaw({ ...signed, framing: "Transfer-Encoding: chunked", body });
      return `${describeRefusal(answer)}, ${await describeStored(bucket, name)}`;
    },
  },
  {
    check: "PUT with If-None-Match: * over an object",
    // The gateway never sends this, because servers differ: B2 answers 501, AWS and
    // Versity answer 412, and Garage replaces the object.
    async observe(bucket) {
      const name = "conditional";
      await prepareObject(bucket, name, OLD);
      const headers = { "if-none-match": "*" };
      const answer = await bucket.send({ method: "PUT", name, headers, body: NEW });
      return `${describeAnswer(answer)}, ${await describeOld(bucket, name)}`;
    },
  },
  {
    check: "an object written twice",
    // Backblaze documents that a write adds a version and hides the old version.
    expected: known("B2", "listed once, GET returns the new object"),
    async observe(bucket) {
      const name = "overwritten";
      await prepareObject(bucket, name, OLD);
      await prepareObject(bucket, name, NEW);
      const listed = (await listKeys(bucket, name)).length;
      const read = await readObject(bucket, name);
      return `listed ${listed === 1 ? "once" : `${listed} times`}, GET returns the ${read === NEW ? "new" : "old"} object`;
    },
  },
  {
    check: "GET of a deleted object",
    // Backblaze documents that a delete without a version hides the object.
    expected: known("B2", "404"),
    async observe(bucket) {
      const name = "deleted";
      await prepareObject(bucket, name, OLD);
      const deleted = await bucket.send({ method: "DELETE", name });
      if (deleted.status >= 300) return `DELETE answered ${describeAnswer(deleted)}`;
      return describeAnswer(await bucket.send({ method: "GET", name }));
    },
  },
  {
    check: "copy, x-amz-copy-source-if-match with a wrong entity tag",
    expected: known("B2", "412"),
    observe: async (bucket) => copyIf(bucket, "copy-refused", () => `"${"0".repeat(32)}"`),
  },
  {
    check: "copy, x-amz-copy-source-if-match with the right entity tag",
    expected: known("B2", "200, the same bytes"),
    observe: async (bucket) => copyIf(bucket, "copy", (etag) => etag),
  },
  {
    check: "copy, x-amz-metadata-directive: REPLACE",
    // The gateway publishes every NAR that went past it by such a copy.
    expected: known("S3", "200, with the new type and without the old encoding"),
    observe: copyAndReplace,
  },
];

async function putWith(
  bucket: CanaryBucket,
  name: string,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const answer = await bucket.send({ method: "PUT", name, headers, body: NEW });
  return `${describeRefusal(answer)}, ${await describeStored(bucket, name)}`;
}

async function copyIf(
  bucket: CanaryBucket,
  name: string,
  condition: (etag: string) => string,
): Promise<string> {
  const etag = await prepareObject(bucket, "copy-source", OLD);
  const headers = {
    "x-amz-copy-source": copySourceOf(bucket, "copy-source"),
    "x-amz-copy-source-if-match": condition(etag),
  };
  const answer = await bucket.send({ method: "PUT", name, headers });
  if (answer.status !== 200) return describeAnswer(answer);
  return `200, ${(await readObject(bucket, name)) === OLD ? "the same bytes" : "other bytes"}`;
}

async function copyAndReplace(bucket: CanaryBucket): Promise<string> {
  const stored = await bucket.send({
    method: "PUT",
    name: "with-headers",
    headers: { "content-type": "text/plain", "content-encoding": "gzip" },
    body: OLD,
  });
  if (stored.status !== 200) return `PUT with headers answered ${describeAnswer(stored)}`;
  const name = "replaced-headers";
  const copied = await copyWithNewMetadata(bucket, "with-headers", name);
  if (copied.status !== 200) return describeAnswer(copied);
  const { headers: now } = await bucket.send({ method: "HEAD", name });
  const type = now.get("content-type") === CONTENT_TYPES.nar ? "new" : "old";
  const encoding = now.has("content-encoding") ? "with" : "without";
  return `200, with the ${type} type and ${encoding} the old encoding`;
}

async function describeOld(bucket: CanaryBucket, name: string): Promise<string> {
  const stored = await readObject(bucket, name);
  if (stored === undefined) return "old object gone";
  return stored === OLD ? "old object kept" : "old object replaced";
}
