import { describe, expect, it } from "vitest";
import { keptRevisions, type Pin, type PinKeep } from "../../../src/api/pins.ts";
import { parseStorePathBaseName } from "../../../src/nix/store-path.ts";
import { CacheError } from "../../../src/worker/cache-error.ts";
import { removePin, setPin } from "../../../src/worker/pins/change-pin.ts";
import { readAllPins } from "../../../src/worker/pins/read-pins.ts";
import { makeStorePath } from "../../../testkit/store-path.ts";
import { valueOf } from "../../../testkit/value-of.ts";
import { createMemoryBucket, type MemoryBucket } from "../../../testkit/workerd/memory-bucket.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const START = Date.parse("2026-11-28T12:00:00Z");
const hashOf = (number: number) => String(number).padStart(32, "0");
const pathOf = (number: number) => valueOf(parseStorePathBaseName(`${hashOf(number)}-thing`));

async function startBucket(hooks: Parameters<typeof createMemoryBucket>[0] = {}) {
  const bucket = createMemoryBucket(hooks);
  for (let number = 1; number <= 9; number++) {
    const { narinfo } = await makeStorePath(hashOf(number));
    bucket.setText(`${hashOf(number)}.narinfo`, narinfo);
  }
  return bucket;
}

async function pin(bucket: MemoryBucket, number: number, keep: PinKeep = "forever", now = START) {
  const request = { name: "main", path: pathOf(number), keep, by: "ci" };
  return await setPin(request, bucket, { storeDir: "/nix/store", now: new Date(now) });
}

async function allPins(bucket: MemoryBucket): Promise<readonly Pin[]> {
  const pins = await readAllPins(bucket, 9);
  if (!pins.ok) throw new Error(pins.error.says);
  return pins.value;
}

/** The numbers of the paths that the pin `main` keeps, the newest first. */
async function keptNow(bucket: MemoryBucket, now = START): Promise<readonly number[]> {
  const pins = await allPins(bucket);
  return pins.flatMap((one) =>
    keptRevisions(one, new Date(now)).map(({ path }) => Number(path.hash)),
  );
}

/** Fills the pin with older revisions of paths that need not exist. */
function fill(bucket: MemoryBucket, count: number): void {
  for (let number = 1; number <= count; number++) {
    const at = String(number).padStart(13, "0");
    bucket.setText(`.nargate/pins/main/${at}-forever/${hashOf(100 + number)}-x/by-ci`, "");
  }
}

const objectsOf = (bucket: MemoryBucket) =>
  [...bucket.objects.keys()].filter((path) => path.startsWith(".nargate/pins/"));

describe("setPin", () => {
  it("adds a revision, by three requests to the bucket", async () => {
    const bucket = await startBucket();
    expect(await pin(bucket, 1)).toEqual({ kept: 1, dropped: [] });
    expect(bucket.calls.map((call) => call.split(" ")[0]).toSorted()).toEqual([
      "list",
      "put",
      "read",
    ]);
    expect(await pin(bucket, 2, "forever", START + 1)).toMatchObject({ kept: 2 });
    expect(await keptNow(bucket)).toEqual([2, 1]);
  });

  it("removes what the new rule does not keep, the oldest first", async () => {
    const bucket = await startBucket();
    for (const number of [1, 2, 3]) await pin(bucket, number, "forever", START + number);
    const { kept, dropped } = await pin(bucket, 4, { revisions: 2 }, START + 4);
    expect([kept, dropped.map(({ path }) => Number(path.hash))]).toEqual([2, [1, 2]]);
    expect(objectsOf(bucket)).toHaveLength(2);
    expect(await keptNow(bucket)).toEqual([4, 3]);
  });

  it("removes the older revisions of a path that is pinned again", async () => {
    const bucket = await startBucket();
    await pin(bucket, 1, "forever", START);
    await pin(bucket, 2, "forever", START + 1);
    await pin(bucket, 1, "forever", START + 2);
    expect(objectsOf(bucket)).toHaveLength(2);
    expect(await keptNow(bucket)).toEqual([1, 2]);
  });

  it("loses neither of two pins at the same time", async () => {
    const bucket = await startBucket();
    await Promise.all([pin(bucket, 1, { revisions: 2 }), pin(bucket, 2, { revisions: 2 })]);
    expect((await keptNow(bucket)).toSorted()).toEqual([1, 2]);
  });

  it("puts the new revision behind one of a clock that is a second ahead", async () => {
    const bucket = await startBucket();
    await pin(bucket, 1, "forever", START + 1000);
    await pin(bucket, 2, { revisions: 1 }, START);
    expect(await keptNow(bucket)).toEqual([2]);
  });

  it("does not follow a time that is far ahead", async () => {
    const bucket = await startBucket();
    bucket.setText(`.nargate/pins/main/9999999999999-forever/${hashOf(1)}-thing/by-ci`, "");
    await pin(bucket, 2);
    const pins = await allPins(bucket);
    expect(pins[0]?.revisions.map(({ at }) => at.getTime())).toEqual([9_999_999_999_999, START]);
  });

  it("leaves outdated revisions to the next pin: 30 at a time, and those that it cannot remove", async () => {
    const bucket = await startBucket();
    fill(bucket, 40);
    expect((await pin(bucket, 1, { revisions: 1 })).dropped).toHaveLength(30);
    expect(await keptNow(bucket)).toEqual([1]);
    const failing: MemoryBucket = {
      ...bucket,
      delete: async () => {
        throw new CacheError("bucket-unavailable", "busy");
      },
    };
    expect(await pin(failing, 2, { revisions: 1 }, START + 1)).toEqual({ kept: 1, dropped: [] });
    expect((await pin(bucket, 3, { revisions: 1 }, START + 2)).dropped).toHaveLength(12);
    expect(objectsOf(bucket)).toHaveLength(1);
  });

  it("refuses a pin that would keep more than 1,000 paths, and writes nothing", async () => {
    const bucket = await startBucket();
    fill(bucket, 999);
    expect(await pin(bucket, 1)).toMatchObject({ kept: 1000 });
    expect((await rejectionOf(pin(bucket, 2, "forever", START + 1))).code).toBe("pin-full");
    expect(objectsOf(bucket)).toHaveLength(1000);
    expect((await pin(bucket, 2, { revisions: 1 }, START + 1)).kept).toBe(1);
  });

  it("refuses it also if it sees only a part of the revisions", async () => {
    const bucket = await startBucket();
    fill(bucket, 1100);
    expect((await rejectionOf(pin(bucket, 1))).code).toBe("pin-full");
    expect((await pin(bucket, 1, { revisions: 1 })).dropped).toHaveLength(30);
  });

  it.each([
    { what: "is not in the bucket", narinfo: undefined, code: "pin-path-absent" },
    { what: "no client can read", narinfo: "garbage", code: "pin-path-absent" },
    { what: "has another name", narinfo: "other", code: "pin-path-differs" },
  ])("refuses a path that $what, and writes nothing", async ({ narinfo, code }) => {
    const bucket = await startBucket();
    const other = await makeStorePath(hashOf(20), { name: "other" });
    const text = narinfo === "other" ? other.narinfo : narinfo;
    if (text !== undefined) bucket.setText(`${hashOf(20)}.narinfo`, text);
    expect((await rejectionOf(pin(bucket, 20))).code).toBe(code);
    expect(objectsOf(bucket)).toEqual([]);
  });

  it("takes a path whose narinfo only clients can unpack", async () => {
    const bucket = await startBucket();
    const bytes = new Uint8Array([1]);
    bucket.objects.set(`${hashOf(20)}.narinfo`, {
      bytes,
      contentType: "text/x-nix-narinfo",
      contentEncoding: "zstd",
    });
    expect(await pin(bucket, 20)).toEqual({ kept: 1, dropped: [] });
  });

  it("takes no failure of the bucket for an absence (law 5)", async () => {
    const bucket = await startBucket({
      before(call) {
        if (call.startsWith("read")) throw new CacheError("bucket-unavailable", "busy");
      },
    });
    expect((await rejectionOf(pin(bucket, 1))).code).toBe("bucket-unavailable");
  });
});

describe("removePin", () => {
  it("removes all revisions, the oldest first, 30 at a time", async () => {
    const bucket = await startBucket();
    fill(bucket, 31);
    await pin(bucket, 1);
    const first = await removePin("main", bucket);
    expect([first.removed.length, first.rest]).toEqual([30, true]);
    expect(await keptNow(bucket)).toEqual([1, 131]);
    const second = await removePin("main", bucket);
    expect([second.removed.length, second.rest]).toEqual([2, false]);
    expect(objectsOf(bucket)).toEqual([]);
  });

  it("knows no pin of this name, nor does it touch others", async () => {
    const bucket = await startBucket();
    await pin(bucket, 1);
    bucket.setText(".nargate/pins/mai/garbage", "");
    for (const name of ["mai", "main-2"]) {
      expect((await rejectionOf(removePin(name, bucket))).code).toBe("pin-unknown");
    }
    expect(objectsOf(bucket)).toHaveLength(2);
  });
});
