import { describe, expect, it } from "vitest";
import {
  createFilterPath,
  createMarkerPath,
  MAX_MARKED,
  readAbsenceFolder,
} from "../../../src/worker/absence/absence-folder.ts";
import { parseNargatePath } from "../../../src/worker/bucket/nargate-path.ts";
import { createMemoryBucket } from "../../../testkit/workerd/memory-bucket.ts";

const PREFIX = "0123456789ab" as never;

/** A bucket that holds these paths, stored one second after the other. */
function createBucket(...paths: readonly string[]) {
  const bucket = createMemoryBucket();
  for (const [at, path] of paths.entries()) {
    const lastModified = new Date(1_800_000_000_000 + at * 1000);
    bucket.objects.set(path, { bytes: new Uint8Array(), contentType: "", lastModified });
  }
  return bucket;
}

describe("readAbsenceFolder", () => {
  it("finds the newest filter last, and the paths of all markers", async () => {
    const [old, young] = [createFilterPath(999), createFilterPath(1_800_000_000_000)];
    const marker = createMarkerPath([PREFIX, "zzzzzzzzzzzz" as never]);
    const folder = await readAbsenceFolder(createBucket(young, old, marker), 5);
    expect(folder.filters.map(({ path }) => path)).toEqual([old, young]);
    expect([...folder.marked]).toEqual([PREFIX, "zzzzzzzzzzzz"]);
    expect(folder).toMatchObject({ isOff: false, isWhole: true, build: undefined });
  });

  it.each([
    { what: "an object of another version", path: ".nargate/absence/published2-x" },
    {
      what: "a marker with a hash that is none",
      path: `.nargate/absence/published-${"0".repeat(32)}-eeeeeeeeeeee`,
    },
    { what: "a folder", path: ".nargate/absence/more/x" },
  ])("proves nothing beside $what", async ({ path }) => {
    expect((await readAbsenceFolder(createBucket(path), 5)).isWhole).toBe(false);
  });

  it("proves nothing if there are more pages than it may read", async () => {
    const bucket = createBucket(...Array.from({ length: 9 }, () => createMarkerPath([PREFIX])));
    const list: typeof bucket.list = async (start, page) =>
      await bucket.list(start, { ...page, limit: 3 });
    expect((await readAbsenceFolder({ list }, 2)).isWhole).toBe(false);
    const whole = await readAbsenceFolder({ list }, 3);
    expect(whole).toMatchObject({ isWhole: true, markers: { length: 9 } });
  });

  it("proves nothing if the bucket gives an object no date", async () => {
    const bucket = createMemoryBucket();
    bucket.setText(createFilterPath(1), "");
    expect((await readAbsenceFolder(bucket, 5)).isWhole).toBe(false);
  });
});

describe("createMarkerPath", () => {
  it("has room for the most paths, and is never the same twice", () => {
    const prefixes = Array.from({ length: MAX_MARKED }, () => PREFIX);
    expect(createMarkerPath(prefixes).length).toBeLessThanOrEqual(800);
    expect(createMarkerPath([PREFIX])).not.toBe(createMarkerPath([PREFIX]));
  });
});

describe("parseNargatePath", () => {
  it.each([
    "nar/x",
    ".nargate",
    ".nargate/",
    ".nargate/../x",
    ".nargate/a//b",
    ".nargate/A",
    ".nargate/pins/..",
    ".nargate/pins/a/.b",
    ".incoming/x",
    `.nargate/${"x".repeat(800)}`,
  ])("refuses %s", (path) => {
    expect(parseNargatePath(path).ok).toBe(false);
  });

  it("takes capital letters below pins/ alone", () => {
    expect(parseNargatePath(".nargate/pins/V1/a+b?=@:_-").ok).toBe(true);
    expect(parseNargatePath(".nargate/absence/V1").ok).toBe(false);
  });

  it("takes a path below the folder", () => {
    expect(parseNargatePath(".nargate/absence/off")).toEqual({
      ok: true,
      value: ".nargate/absence/off",
    });
  });
});
