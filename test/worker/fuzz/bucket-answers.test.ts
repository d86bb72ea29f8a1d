import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createB2Bucket } from "../../../src/worker/bucket/b2-bucket.ts";
import { createBucketMeter } from "../../../src/worker/bucket/bucket.ts";
import { createBucketSightings } from "../../../src/worker/bucket/bucket-sightings.ts";
import { CacheError } from "../../../src/worker/cache-error.ts";
import { checkProperty, propertyTimeout } from "../../../testkit/check-property.ts";
import { pathOf } from "../../../testkit/workerd/b2.ts";
import { READS } from "../../../testkit/workerd/edge.ts";

const PATH = pathOf("nar/05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56.nar.xz");
const PREFIX = `<Prefix>nix/cache/${PATH}</Prefix>`;
const EMPTY_PAGE = `<ListBucketResult>${PREFIX}<IsTruncated>false</IsTruncated></ListBucketResult>`;
const NO_SUCH_KEY = "<Error><Code>NoSuchKey</Code></Error>";

interface Answer {
  readonly status: number;
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

const body = fc.oneof(
  fc.constantFrom(
    EMPTY_PAGE,
    EMPTY_PAGE.replace("false", "true"),
    EMPTY_PAGE.replace(PREFIX, "<Prefix>other/</Prefix>"),
    EMPTY_PAGE.slice(0, -20),
    `<ListBucketResult>${PREFIX}<Contents><Key>nix/cache/${PATH}</Key><Size>5</Size></Contents></ListBucketResult>`,
    NO_SUCH_KEY,
    "<Error><Code>NoSuchBucket</Code></Error>",
    "<Error><Code>AccessDenied</Code></Error>",
    "<html><body>Sign in</body></html>",
    "",
  ),
  fc.string({ maxLength: 200, unit: "binary" }),
);

const header = fc.dictionary(
  fc.constantFrom("etag", "content-range", "content-encoding", "content-type", "retry-after"),
  fc.constantFrom('"x"', "bytes 0-4/5", "bytes 9-1/*", "gzip", "text/html", "zstd", "banana", "1"),
  { maxKeys: 4 },
);

const answer: fc.Arbitrary<Answer> = fc.record({
  status: fc.constantFrom(200, 200, 204, 206, 301, 400, 403, 403, 404, 404, 412, 416, 501),
  body,
  headers: header,
});

const signNothing = { part: async () => "", nar: async () => ({ url: "", headers: {} }) };

describe("any answers of a bucket", () => {
  it(
    "prove an absence only where S3 says so, and are never a fault of ours",
    async () => {
      await checkProperty(
        "answers of a bucket",
        fc.asyncProperty(
          fc.array(answer, { minLength: 1, maxLength: 3 }),
          fc.constantFrom("get" as const, "read" as const, "head" as const, "list" as const),
          async (answers, method) => {
            const left = [...answers];
            const send = async (): Promise<Response> => {
              const { status, body: text, headers } = left.shift() ?? last;
              const isBodyless =
                status === 204 || (method === "head" && left.length === answers.length - 1);
              return new Response(isBodyless ? null : text, { status, headers });
            };
            const last: Answer = { status: 500, body: null, headers: {} };
            const bucket = createB2Bucket(
              READS.bucket,
              { send, presign: signNothing, sightings: createBucketSightings(() => new Date()) },
              createBucketMeter(),
            );
            const ask = {
              get: () => bucket.get(PATH),
              head: () => bucket.head(PATH),
              read: () => bucket.read(PATH, 1000),
              list: () => bucket.list(PATH),
            }[method];
            const failure = await ask().then(
              (found: unknown) => (found === undefined ? "absent" : undefined),
              (error: unknown) => error,
            );
            if (failure === undefined || failure instanceof CacheError) return;
            // Neither an answer nor a failure of the bucket: it is said to be absent.
            expect(failure).toBe("absent");
            const [first, second] = answers;
            const isPage = second?.status === 200 && isEmptyPage(second.body ?? "");
            const isProved =
              (first?.status === 404 && first.body === NO_SUCH_KEY) ||
              (first?.status === 403 && isPage) ||
              (method === "head" && first?.status === 404 && isPage);
            expect(isProved, JSON.stringify(answers)).toBe(true);
          },
        ) as never,
        5_000,
      );
    },
    propertyTimeout(),
  );
});

/** Whether a listing is whole, of this path, and without it. One that names no prefix is taken too. */
function isEmptyPage(text: string): boolean {
  return (
    text.endsWith("</ListBucketResult>") &&
    (text.includes(PREFIX) || !text.includes("<Prefix>")) &&
    text.includes("<IsTruncated>false") &&
    !text.includes("<Contents>")
  );
}
