import { readElement, readElements } from "../../src/http/s3-xml.ts";
import {
  completeUpload,
  createUpload,
  describeAnswer,
  describeByCode,
  describeRefusal,
  describeStored,
  putPart,
  readObject,
} from "./bucket-steps.ts";
import type { CanaryBucket } from "./canary-bucket.ts";
import { type Check, known } from "../../src/checks/check.ts";

const PART = "one part";
const HOUR_SECONDS = 3600;

/** Checks for uploads in parts. The gateway stores every larger NAR in this way. */
export const MULTIPART_CHECKS: readonly Check<CanaryBucket>[] = [
  {
    check: "an upload of one part",
    async observe(bucket) {
      const name = "one-part";
      const uploadId = await createUpload(bucket, name);
      const etag = await putPart(bucket, { name, uploadId, partNumber: 1 }, PART);
      const answer = await completeUpload(bucket, name, uploadId, [etag]);
      const isRead = (await readObject(bucket, name)) === PART;
      return `${describeAnswer(answer)}, ${isRead ? "GET returns the object" : "GET does not return the object"}`;
    },
  },
  {
    check: "completion with a part under 5 MiB that is not the last",
    expected: known("B2", "EntityTooSmall"),
    async observe(bucket) {
      const name = "small-parts";
      const uploadId = await createUpload(bucket, name);
      const first = await putPart(bucket, { name, uploadId, partNumber: 1 }, PART);
      const second = await putPart(bucket, { name, uploadId, partNumber: 2 }, PART);
      return describeByCode(await completeUpload(bucket, name, uploadId, [first, second]));
    },
  },
  {
    check: "completion with a wrong entity tag",
    async observe(bucket) {
      const name = "wrong-tag";
      const uploadId = await createUpload(bucket, name);
      await putPart(bucket, { name, uploadId, partNumber: 1 }, PART);
      const answer = await completeUpload(bucket, name, uploadId, [`"${"0".repeat(32)}"`]);
      return `${describeRefusal(answer)}, ${await describeStored(bucket, name)}`;
    },
  },
  {
    check: "the second abort of an upload",
    expected: known("B2", "NoSuchUpload"),
    async observe(bucket) {
      const name = "aborted";
      const query = { uploadId: await createUpload(bucket, name) };
      const first = await bucket.send({ method: "DELETE", name, query });
      if (first.status >= 300) return `the first abort answered ${describeAnswer(first)}`;
      return describeByCode(await bucket.send({ method: "DELETE", name, query }));
    },
  },
  {
    check: "the list of an upload's parts",
    async observe(bucket) {
      const name = "listed-parts";
      const uploadId = await createUpload(bucket, name);
      const sent: string[] = [];
      for (const partNumber of [1, 2]) {
        sent.push(await putPart(bucket, { name, uploadId, partNumber }, PART + partNumber));
      }
      const answer = await bucket.send({ method: "GET", name, query: { uploadId } });
      const listed = readElements(answer.text, "Part").map((xml) => readElement(xml, "ETag"));
      const isSame = listed.map(unquote).join() === sent.map(unquote).join();
      return `${describeAnswer(answer)}, ${listed.length} of ${sent.length} parts${isSame ? " with their entity tags" : ""}`;
    },
  },
  {
    check: "the list of open uploads below a prefix",
    expected: known("S3", "200, 1 of 1 uploads"),
    async observe(bucket) {
      const uploadId = await createUpload(bucket, "open/one");
      await createUpload(bucket, "elsewhere/two");
      const query = { uploads: "", prefix: bucket.keyOf("open/") };
      const answer = await bucket.send({ method: "GET", query });
      const listed = readElements(answer.text, "Upload");
      const isOurs = listed.every((xml) => readElement(xml, "UploadId") === uploadId);
      // In front, because an expectation is met by the beginning of an observation.
      const mistake = isOurs ? "" : "another upload ID: ";
      return `${mistake}${describeAnswer(answer)}, ${listed.length} of 1 uploads`;
    },
  },
  {
    check: "PUT of a part by a presigned URL",
    expected: known("B2", "200"),
    observe: async (bucket) => describeAnswer(await putPresigned(bucket, "presigned", 0)),
  },
  {
    check: "PUT of a part by an expired presigned URL",
    expected: known("S3", "refused"),
    observe: async (bucket) =>
      describeRefusal(await putPresigned(bucket, "presigned-late", HOUR_SECONDS)),
  },
];

async function putPresigned(bucket: CanaryBucket, name: string, agedSeconds: number) {
  const query = { partNumber: "1", uploadId: await createUpload(bucket, name) };
  return await bucket.sendPresigned(
    { method: "PUT", name, query, body: PART },
    { agedSeconds, expiresSeconds: 60 },
  );
}

function unquote(etag = ""): string {
  return etag.replaceAll('"', "");
}
