import { describe, expect, it } from "vitest";
import type { ListPage } from "../../../src/worker/bucket/bucket.ts";
import { listPin, listPins, readAllPins } from "../../../src/worker/pins/read-pins.ts";
import { createMemoryBucket } from "../../../testkit/workerd/memory-bucket.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const hashOf = (number: number) => String(number).padStart(32, "0");
const pathOf = (name: string, number: number) =>
  `.nargate/pins/${name}/${String(number).padStart(13, "0")}-forever/${hashOf(number)}-x/by-ci`;

const object = (path: string) => ({ path, sizeBytes: 0, lastModified: undefined });

/** A bucket with 1,001 revisions of one pin, and pins and other objects around them. */
function startBucket() {
  const bucket = createMemoryBucket();
  for (let number = 1; number <= 1001; number++) bucket.setText(pathOf("main", number), "");
  bucket.setText(pathOf("main-2", 1), "");
  bucket.setText(pathOf("Main", 1), "");
  bucket.setText(".nargate/payload-check.json", "{}");
  bucket.setText(".nargate/pinsx", "");
  return bucket;
}

describe("listPin", () => {
  it("lists one pin, and no other of a similar name", async () => {
    const { revisions, next } = await listPin(startBucket(), "Main");
    expect(revisions.map(({ name }) => name)).toEqual(["Main"]);
    expect(next).toBeUndefined();
  });

  it("says that there are more revisions than a page has", async () => {
    const { revisions, next } = await listPin(startBucket(), "main");
    expect([revisions.length, next]).toEqual([1000, pathOf("main", 1000).slice(14)]);
  });
});

describe("listPins", () => {
  it("begins behind the page before", async () => {
    const bucket = startBucket();
    const first = await listPins(bucket);
    const second = await listPins(bucket, first.next);
    expect([first.revisions.length, second.revisions.length]).toEqual([1000, 3]);
    expect(second.next).toBeUndefined();
  });

  it("goes on behind an object that is no pin", async () => {
    const bucket = createMemoryBucket();
    bucket.setText(".nargate/pins/zz/\u{1F4A5}", "");
    const { unreadable } = await listPins(bucket, "zz/");
    expect(unreadable).toEqual(["zz/\u{1F4A5}"]);
  });
});

describe("readAllPins", () => {
  it("reads the pins of all pages, one request for 1,000 revisions", async () => {
    const bucket = startBucket();
    const pins = await readAllPins(bucket, 2);
    expect(pins.ok && pins.value.map(({ name, revisions }) => [name, revisions.length])).toEqual([
      ["Main", 1],
      ["main", 1001],
      ["main-2", 1],
    ]);
    expect(bucket.calls).toHaveLength(2);
  });

  it("fails if there are more pages than it may read", async () => {
    const says = "there are more than 1000 revisions of pins";
    expect(await readAllPins(startBucket(), 1)).toEqual({
      ok: false,
      error: { why: "too-many", says },
    });
  });

  it("fails if an object is no pin, on whatever page", async () => {
    const bucket = startBucket();
    bucket.setText(".nargate/pins/zz/garbage", "");
    bucket.setText(".nargate/pins/.bzEmpty", "");
    expect(await readAllPins(bucket, 9)).toEqual({
      ok: false,
      error: {
        why: "unreadable",
        says: ".nargate/pins/ has an object that is no pin: .bzEmpty, and 1 more",
      },
    });
  });

  const first = object(pathOf("main", 1));
  const second = object(pathOf("main", 2));

  it.each<{ what: string; page: ListPage }>([
    {
      what: "a page in another order",
      page: { objects: [second, first], continuation: undefined, isLast: true },
    },
    {
      what: "the same page again and again",
      page: { objects: [first, second], continuation: "x", isLast: false },
    },
    {
      what: "an empty page that is not the last",
      page: { objects: [], continuation: undefined, isLast: false },
    },
    {
      what: "a page of another folder",
      page: { objects: [object("nar/x")], continuation: undefined, isLast: true },
    },
  ])("takes no pins from $what", async ({ page }) => {
    const failure = await rejectionOf(readAllPins({ list: async () => page }, 5));
    expect(failure.code).toBe("bucket-unavailable");
  });
});
