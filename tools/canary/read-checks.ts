import { describeAnswer, listKeys, prepareObject, readObject } from "./bucket-steps.ts";
import type { BucketAnswer } from "./bucket-call.ts";
import type { CanaryBucket } from "./canary-bucket.ts";
import { type Check, known } from "../../src/checks/check.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const WHOLE_RANGE = `bytes 0-${LETTERS.length - 1}/${LETTERS.length}`;

/** A name with the special characters of the keys below log/ and realisations/. */
const ODD_NAME = "names/sha256:0a+1b!out.doi";

/** Checks for reads of an object and of an absent key, and for listings. */
export const READ_CHECKS: readonly Check<CanaryBucket>[] = [
  {
    check: "GET of an absent key",
    // B2 answers 404 to an application key with listFiles, and 403 without listFiles.
    expected: known("B2", "404 NoSuchKey"),
    observe: async (bucket) => {
      const answer = await bucket.send({ method: "GET", name: "absent" });
      return answer.status === 403
        ? {
            says: describeAnswer(answer),
            remedy: "Check that the application key has the capability listFiles.",
          }
        : describeAnswer(answer);
    },
  },
  {
    check: "HEAD of an absent key",
    expected: known("B2", "404"),
    observe: async (bucket) =>
      describeAnswer(await bucket.send({ method: "HEAD", name: "absent" })),
  },
  {
    check: "GET with Range: bytes=0-",
    // B2 answers 200, and other servers answer 206. RFC 9110 allows both.
    expected: known("HTTP", "the whole object"),
    async observe(bucket) {
      const answer = await getRange(bucket, "bytes=0-");
      const range = answer.headers.get("content-range");
      const isWhole =
        answer.text === LETTERS &&
        (answer.status === 200 || (answer.status === 206 && range === WHOLE_RANGE));
      return isWhole
        ? `the whole object (${answer.status}, ${range ?? "no Content-Range"})`
        : describeRange(answer);
    },
  },
  {
    check: "GET with Range: bytes=3-6",
    expected: known("HTTP", `206, bytes 3-6/${LETTERS.length}, "defg"`),
    observe: async (bucket) => describeRange(await getRange(bucket, "bytes=3-6")),
  },
  {
    check: "GET with a Range past the end",
    expected: known("HTTP", "416"),
    observe: async (bucket) => describeRange(await getRange(bucket, `bytes=${LETTERS.length}-`)),
  },
  {
    check: "a key with + ! and :",
    expected: known("S3", "read and listed as it was written"),
    async observe(bucket) {
      await prepareObject(bucket, ODD_NAME, LETTERS);
      const isRead = (await readObject(bucket, ODD_NAME)) === LETTERS;
      const keys = await listKeys(bucket, "names/");
      const isListed = keys.length === 1 && keys[0] === bucket.keyOf(ODD_NAME);
      if (isRead && isListed) return "read and listed as it was written";
      return `${isRead ? "" : "not "}read, listed as ${keys.join(" ") || "nothing"}`;
    },
  },
  {
    check: "a listing by prefix",
    expected: known("S3", "every key below the prefix, and no other key"),
    async observe(bucket) {
      const inside = ["list/a", "list/b/c"];
      // No object has the name of a folder: servers that store objects as files refuse it.
      for (const name of [...inside, "list-b", "lis/a"]) {
        await prepareObject(bucket, name, LETTERS);
      }
      const keys = await listKeys(bucket, "list/");
      const outside = keys.filter((key) => !key.startsWith(bucket.keyOf("list/")));
      if (outside.length > 0) return `${outside.length} keys outside the prefix`;
      return keys.length === inside.length
        ? "every key below the prefix, and no other key"
        : `${keys.length} of ${inside.length} keys below the prefix`;
    },
  },
];

async function getRange(bucket: CanaryBucket, range: string): Promise<BucketAnswer> {
  const name = "letters";
  await prepareObject(bucket, name, LETTERS);
  return await bucket.send({ method: "GET", name, headers: { range } });
}

function describeRange(answer: BucketAnswer): string {
  if (answer.status >= 300) return describeAnswer(answer);
  const contentRange = answer.headers.get("content-range");
  const bytes = answer.text === LETTERS ? "the whole object" : `"${answer.text}"`;
  return `${answer.status}, ${contentRange ?? "no Content-Range"}, ${bytes}`;
}
