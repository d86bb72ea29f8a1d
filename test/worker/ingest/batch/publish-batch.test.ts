import { describe, expect, it } from "vitest";
import { type BatchEnd, publishBatch } from "../../../../src/worker/ingest/batch/publish-batch.ts";
import { toFailure } from "../../../../src/worker/failure-response.ts";
import { keyOfNarinfo, putNarOf } from "../../../../testkit/narinfo.ts";
import { makeStorePath } from "../../../../testkit/store-path.ts";
import {
  createPush,
  type TestPush,
  type TestPushOptions,
} from "../../../../testkit/workerd/push.ts";

const ALL = { narinfos: 100, narBytes: Infinity, mayTake: () => true };

/** Narinfos by one letter each, from `b: ["a"]`: b refers to a. */
async function makeBatch(references: Readonly<Record<string, readonly string[]>>) {
  const entries = Object.entries(references).map(async ([letter, needs]) => {
    const options = { name: letter, references: needs.map((need) => baseName(need)) };
    const { narinfo } = await makeStorePath(hashOf(letter), options);
    return [letter, narinfo] as const;
  });
  return new Map(await Promise.all(entries));
}

const hashOf = (letter: string) => letter.repeat(32);
const baseName = (letter: string) => `${hashOf(letter)}-${letter}`;

function prepare(batch: ReadonlyMap<string, string>, options: TestPushOptions = {}): TestPush {
  const push = createPush(options);
  for (const text of batch.values()) putNarOf(push.bucket, text);
  return push;
}

/** Publishes the batch. `texts` replaces the texts of some narinfos. */
async function run(
  batch: ReadonlyMap<string, string>,
  push: TestPush,
  limits = ALL,
  texts: Readonly<Record<string, string>> = {},
) {
  const ends: BatchEnd[] = [];
  const lines = [...batch].map(([letter, text]) => ({
    key: keyOfNarinfo(text),
    text: texts[letter] ?? text,
    listing: undefined,
    nar: undefined,
  }));
  const took = await publishBatch(lines, push, limits, (end) => void ends.push(end));
  const results = ends.map((end) => {
    const what = "failure" in end ? toFailure(end.failure).code : end.outcome;
    return `${end.key.hash.slice(0, 1)} ${what}`;
  });
  return { took, results };
}

const putsOf = (push: TestPush) =>
  push.bucket.calls
    .filter((call) => /^put .*\.narinfo$/.test(call))
    .map((call) => call.slice(4, 5));

describe("publishBatch", () => {
  it("publishes references first, in whatever order they come", async () => {
    const batch = await makeBatch({ d: ["c", "b"], c: ["b"], b: ["a"], a: ["a"] });
    const push = prepare(batch);
    const { took, results } = await run(batch, push);
    expect(took).toBe(4);
    expect(putsOf(push)).toEqual(["a", "b", "c", "d"]);
    expect(results).toEqual(["a published", "b published", "c published", "d published"]);
  });

  it("fails what refers to a narinfo that fails, and nothing else", async () => {
    const batch = await makeBatch({ a: [], b: ["a"], c: ["b"], d: [] });
    const push = prepare(batch);
    // Its NAR has other contents, and is not in the bucket.
    const other = await makeStorePath(hashOf("a"), { name: "a", seed: 9 });
    const { results } = await run(new Map([...batch, ["a", other.narinfo]]), push);
    expect(results.toSorted()).toEqual([
      "a nar-absent",
      "b reference-not-published",
      "c reference-not-published",
      "d published",
    ]);
    expect(putsOf(push)).toEqual(["d"]);
  });

  it("fails what refers to a narinfo that is malformed", async () => {
    const batch = await makeBatch({ b: ["a"], a: [] });
    const { took, results } = await run(batch, prepare(batch), ALL, { a: "no narinfo" });
    expect(took).toBe(2);
    expect(results).toEqual(["a narinfo-malformed", "b reference-not-published"]);
  });

  it("publishes paths that refer to each other in a circle", async () => {
    const batch = await makeBatch({ a: ["b"], b: ["a"] });
    expect((await run(batch, prepare(batch))).results.toSorted()).toEqual([
      "a published",
      "b published",
    ]);
  });

  it("takes no more than the limit, and references before what refers to them", async () => {
    const batch = await makeBatch({ d: ["c"], c: ["b"], b: ["a"], a: [] });
    const { took, results } = await run(batch, prepare(batch), { ...ALL, narinfos: 2 });
    expect(took).toBe(2);
    expect(results).toEqual(["a published", "b published"]);
  });

  it.each([
    // Each NAR has 1,000 bytes.
    { narBytes: 2500, took: 2 },
    { narBytes: 2000, took: 2 },
    { narBytes: 1, took: 1 },
  ])(
    "takes narinfos of $narBytes bytes of NARs, and one in any case",
    async ({ narBytes, took }) => {
      const batch = await makeBatch({ a: [], b: ["a"], c: ["b"] });
      const push = prepare(batch);
      expect((await run(batch, push, { ...ALL, narBytes })).took).toBe(took);
      expect(putsOf(push)).toEqual(["a", "b", "c"].slice(0, took));
    },
  );

  it("takes nothing more once its budget is used up, and finishes what it took", async () => {
    const batch = await makeBatch({ c: ["b"], b: ["a"], a: [] });
    const push = prepare(batch);
    const mayTake = () => push.bucket.calls.length < 3;
    const { took, results } = await run(batch, push, { ...ALL, mayTake });
    expect(took).toBe(results.length);
    expect(results.length).toBeLessThanOrEqual(3);
    expect(results[0]).toBe("a published");
  });

  it("publishes six at once", async () => {
    const batch = await makeBatch(
      Object.fromEntries([..."abcdfghij"].map((letter) => [letter, []])),
    );
    let running = 0;
    let most = 0;
    const push = prepare(batch, {
      async before(call) {
        if (!/^put .*\.narinfo$/.test(call)) return;
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
      },
      after: (call) => void (/^put .*\.narinfo$/.test(call) && running--),
    });
    await run(batch, push);
    expect(most).toBe(6);
  });
});
