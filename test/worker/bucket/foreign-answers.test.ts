import { describe, expect, it } from "vitest";
import { createB2Bucket } from "../../../src/worker/bucket/b2-bucket.ts";
import { createBucketSightings } from "../../../src/worker/bucket/bucket-sightings.ts";
import { createBucketMeter } from "../../../src/worker/bucket/bucket.ts";
import { pathOf } from "../../../testkit/workerd/b2.ts";
import { READS } from "../../../testkit/workerd/edge.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const PATH = pathOf("nar/05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56.nar.xz");

/** The B2 adapter in front of a server that gives these answers, one after another. */
function openForeign(...answers: readonly Response[]) {
  const left = [...answers];
  const send = async () => left.shift() ?? new Response(null, { status: 500 });
  const sightings = createBucketSightings(() => new Date());
  const access = { send, presign: signNothing, sightings };
  return createB2Bucket(READS.bucket, access, createBucketMeter());
}

const signNothing = { part: async () => "", nar: async () => ({ url: "", headers: {} }) };
const forbidden = () => new Response("<Error><Code>AccessDenied</Code></Error>", { status: 403 });
const listing = (inner: string) =>
  new Response(`<ListBucketResult>${inner}</ListBucketResult>`, { status: 200 });

describe("an absence (law 5)", () => {
  it.each([
    {
      what: "a page of another prefix",
      page: "<Name>ai-dev-env</Name><Prefix>other/</Prefix><IsTruncated>false</IsTruncated>",
    },
    {
      what: "an empty page that says there is more",
      page: `<Prefix>nix/cache/${PATH}</Prefix><IsTruncated>true</IsTruncated>`,
    },
  ])("is not proved by $what", async ({ page }) => {
    const bucket = openForeign(forbidden(), listing(page));
    expect(await rejectionOf(bucket.get(PATH))).toMatchObject({ code: "bucket-unavailable" });
  });

  it("is proved by the right page, and by one that does not name its prefix", async () => {
    for (const prefix of [`<Prefix>nix/cache/${PATH}</Prefix>`, ""]) {
      const bucket = openForeign(forbidden(), listing(`${prefix}<IsTruncated>false</IsTruncated>`));
      expect(await bucket.get(PATH)).toBeUndefined();
    }
  });
});

describe("an answer that no S3 gives", () => {
  it("has no size where Content-Length is no number", async () => {
    const bucket = openForeign(
      new Response(null, { status: 200, headers: { "content-length": "banana", etag: '"x"' } }),
    );
    expect(await bucket.head(PATH)).toMatchObject({ sizeBytes: undefined, etag: '"x"' });
  });

  it("is a fault of the bucket where it is 416 and no range was asked for", async () => {
    const bucket = openForeign(new Response(null, { status: 416 }));
    expect(await rejectionOf(bucket.get(PATH))).toMatchObject({ code: "bucket-unavailable" });
  });

  it("may name a list of parts as moto does", async () => {
    const parts = "<Part><PartNumber>1</PartNumber><ETag>x</ETag><Size>4</Size></Part>";
    const bucket = openForeign(
      new Response(`<ListPartsResponse>${parts}</ListPartsResponse>`, { status: 200 }),
    );
    expect(await bucket.openUpload(PATH, "id").listParts()).toMatchObject([
      { number: 1, sizeBytes: 4 },
    ]);
  });
});
