import { describe, expect, it } from "vitest";
import { type Narinfo, parseNarinfo } from "../../../../src/nix/narinfo.ts";
import {
  createContentsProver,
  PROOF_LIMITS,
  type ProofLimits,
} from "../../../../src/worker/ingest/contents/prove-contents.ts";
import { forgetContents } from "../../../../src/worker/ingest/contents/known-contents.ts";
import type { Push } from "../../../../src/worker/ingest/push-context.ts";
import type { FaultRule } from "../../../../tools/b2-server/fault-injector.ts";
import { makeNar, makePackedPath, type PackedPath } from "../../../../testkit/packed-path.ts";
import { valueOf } from "../../../../testkit/value-of.ts";
import { B2_PREFIX, openB2 } from "../../../../testkit/workerd/b2.ts";
import { HASH } from "../../../../testkit/workerd/prepared.ts";
import { createPush } from "../../../../testkit/workerd/push.ts";
import { rejectionOf } from "../../../../testkit/workerd/rejection.ts";

const MIB = 1024 * 1024;
const NAR = makeNar(4 * MIB);
const PATH = await makePackedPath(HASH, NAR);
const parse = ({ narinfo }: PackedPath): Narinfo => valueOf(parseNarinfo(narinfo, "/nix/store"));
const NARINFO = parse(PATH);

const get = (effect: FaultRule["effect"], count?: number): FaultRule => ({
  match: { operation: "GetObject" },
  effect,
  ...(count === undefined ? {} : { count }),
});

/** The fake B2 with the NAR in it. */
async function prepare(path = PATH, headers: Record<string, string> = {}) {
  const { bucket, fake } = await openB2();
  await fake.putObject(B2_PREFIX + path.narPath.slice(1), path.file, headers);
  const push: Push = { ...createPush(), bucket };
  let progress = 0;
  const prove = (limits: Partial<ProofLimits> = {}, narinfo = parse(path), isStored = false) =>
    createContentsProver(push, { ...PROOF_LIMITS, stallMilliseconds: 300, ...limits }).prove(
      narinfo,
      isStored,
      () => void progress++,
    );
  const ranges = async () => (await fake.requests()).map(({ range }) => range);
  return { fake, push, prove, ranges, progress: () => progress };
}

describe("proving the contents of a NAR", () => {
  it("reads it back once, and remembers what it holds for a minute", async () => {
    const { fake, prove, push, progress } = await prepare();
    expect(await prove()).toEqual({ verdict: "proved" });
    expect(progress()).toBeGreaterThan(2);
    expect(await prove()).toEqual({ verdict: "proved" });
    const other = { ...NARINFO, narSize: NARINFO.narSize + 1 };
    expect(await prove({}, other)).toMatchObject({ verdict: "disproved" });
    expect(await fake.countRequests()).toBe(1);

    const later = Date.now() + 60_000;
    const clock = { ...push.clock, now: () => new Date(later) };
    const prover = createContentsProver({ ...push, clock }, PROOF_LIMITS);
    expect(await prover.prove(NARINFO, false, () => {})).toEqual({ verdict: "proved" });
    expect(await fake.countRequests()).toBe(2);
  });

  it("reads it again once it was deleted", async () => {
    const { fake, prove, push } = await prepare();
    await prove();
    forgetContents(NARINFO.url, push);
    await prove();
    expect(await fake.countRequests()).toBe(2);
  });

  it("unpacks it again for a larger NarSize, if it stopped at a smaller one", async () => {
    const { prove } = await prepare();
    expect(await prove({}, { ...NARINFO, narSize: 1000 })).toMatchObject({ verdict: "disproved" });
    expect(await prove()).toEqual({ verdict: "proved" });
  });

  it("needs no request for a NAR without compression, whose name is its hash", async () => {
    const path = await makePackedPath(HASH, makeNar(1000), { compression: "none" });
    const { fake, prove, push } = await prepare(path);
    expect(await prove({}, parse(path), true)).toEqual({ verdict: "proved" });
    expect(await fake.countRequests()).toBe(0);
    expect(await prove({}, parse(path), false)).toEqual({ verdict: "proved" });
    forgetContents(parse(path).url, push);
    await fake.putObject(B2_PREFIX + path.narPath.slice(1), makeNar(1000, 9));
    expect(await prove({}, parse(path), false)).toMatchObject({ verdict: "disproved" });
    const wrong = { ...parse(path), narSize: 1001 };
    expect(await prove({}, wrong, true)).toMatchObject({ verdict: "disproved" });
  });

  it("needs no request for xz", async () => {
    const path = await makePackedPath(HASH, NAR, { compression: "xz", file: NAR });
    const { fake, prove } = await prepare(path);
    expect(await prove()).toEqual({ verdict: "unknown", says: "the gateway cannot unpack xz" });
    expect(await fake.countRequests()).toBe(0);
  });

  it("cannot judge a NAR that is stored with an encoding", async () => {
    const { prove } = await prepare(PATH, { "content-encoding": "gzip" });
    expect(await prove()).toMatchObject({ verdict: "unknown" });
  });

  it("says that the NAR is absent if it is gone", async () => {
    const { fake, prove } = await prepare();
    await fake.reset();
    expect((await rejectionOf(prove())).code).toBe("nar-absent");
  });

  it.each<{ what: string; rules: readonly FaultRule[] }>([
    { what: "is cut", rules: [get({ cutAfterBytes: 600_000 }, 1)] },
    { what: "is cut at once, twice", rules: [get({ cutAfterBytes: 0 }, 2)] },
    { what: "stalls", rules: [get({ stallMs: 5_000 }, 1)] },
    {
      what: "is cut, and then given whole where a range was asked for",
      rules: [get({ cutAfterBytes: 600_000 }, 1), get({ ignoreRange: true }, 1)],
    },
  ])("proves a NAR whose body $what all the same", async ({ rules }) => {
    const { fake, prove } = await prepare();
    await fake.addFaults(...rules);
    expect(await prove()).toEqual({ verdict: "proved" });
  });

  it.each<{ what: string; rule: FaultRule }>([
    { what: "is cut again and again at one place", rule: get({ cutAfterBytes: 0 }) },
    { what: "never comes", rule: get({ stallMs: 60_000 }) },
    { what: "is refused", rule: get({ status: 503 }) },
  ])("never calls it disproved if the body $what", async ({ rule }) => {
    const { fake, prove } = await prepare();
    await fake.addFaults(rule);
    expect((await rejectionOf(prove())).code).toBe("bucket-unavailable");
    await fake.clearFaults();
    expect(await prove()).toEqual({ verdict: "proved" });
  });

  it("goes on from where the bucket failed", async () => {
    const { fake, prove, ranges } = await prepare();
    await fake.addFaults(get({ cutAfterBytes: 1_000_000 }, 1), get({ status: 503 }, 50));
    expect((await rejectionOf(prove())).code).toBe("bucket-unavailable");
    await fake.clearFaults();
    await fake.clearRequests();
    expect(await prove()).toEqual({ verdict: "proved" });
    expect(await ranges()).toEqual([expect.stringMatching(/^bytes=\d{6,}-$/)]);
  });

  const RESUMED: unknown = expect.stringMatching(/^bytes=\d{6,}-$/);

  it.each<{ what: string; limits: Partial<ProofLimits>; first: unknown[]; next: unknown[] }>([
    { what: "bytes", limits: { bytes: MIB }, first: [undefined], next: [RESUMED] },
    // No time is left for a request.
    { what: "milliseconds", limits: { milliseconds: 0 }, first: [], next: [undefined] },
  ])("stops at its limit of $what, and goes on when it is asked again", async (given) => {
    const { prove, ranges, fake } = await prepare();
    const stopped = await rejectionOf(prove(given.limits));
    expect(stopped.code).toBe("proof-unfinished");
    expect(stopped.subject).toMatch(/^\(\d+ % of nar\//);
    expect(await ranges()).toEqual(given.first);
    await fake.clearRequests();
    expect(await prove()).toEqual({ verdict: "proved" });
    expect(await ranges()).toEqual(given.next);
  });

  it("comes to an end by small steps", async () => {
    const { prove } = await prepare();
    let steps = 0;
    for (; steps < 50; steps++) {
      const ended = await prove({ bytes: 300_000 }).catch(() => undefined);
      if (ended !== undefined) break;
    }
    expect(steps).toBeGreaterThan(3);
    expect(steps).toBeLessThan(20);
  });

  it("keeps two unfinished proofs at most", async () => {
    const { fake, prove, push } = await prepare();
    for (const seed of [1, 2, 3]) {
      const path = await makePackedPath(HASH, makeNar(MIB, seed));
      await fake.putObject(B2_PREFIX + path.narPath.slice(1), path.file);
      await rejectionOf(prove({ bytes: 1 }, parse(path)));
    }
    expect(push.memory.contents.unfinished.size).toBe(2);
  });

  it("begins again if the NAR is another object meanwhile", async () => {
    const { fake, prove } = await prepare();
    await rejectionOf(prove({ bytes: MIB }));
    await fake.putObject(B2_PREFIX + PATH.narPath.slice(1), PATH.file.slice(0, 1_000_000));
    expect((await rejectionOf(prove())).code).toBe("bucket-unavailable");
    expect(await prove()).toMatchObject({ verdict: "disproved" });
  });

  it("unpacks a NAR twice at most, if many pushes of it come at once", async () => {
    const { fake, prove } = await prepare();
    const verdicts = await Promise.all([prove(), prove(), prove(), prove(), prove(), prove()]);
    expect(verdicts).toEqual(Array.from({ length: 6 }, () => ({ verdict: "proved" })));
    // Two have a place at once. The others find that the NAR is unpacked.
    expect(await fake.countRequests()).toBe(2);
  });
});
