import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BenchContext } from "../../bench/benchmarks/bench-context.ts";
import type { PeerClosures } from "../../bench/benchmarks/peer-closures.ts";
import { measurePeers } from "../../bench/benchmarks/peer-rounds.ts";
import type { PeerSubject } from "../../bench/benchmarks/peer-subjects.ts";
import { createTeardown } from "../../bench/measure/teardown.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "nargate-bench-test-"));
});
afterAll(async () => await rm(directory, { recursive: true }));

const CLOSURES = {
  first: ["/nix/store/first"],
  measured: [
    { name: "small", roots: ["/nix/store/small"], isPulled: false },
    { name: "large", roots: ["/nix/store/large"], isPulled: false },
  ],
} as const;

/** A cache whose pushes take no time, and say that they took these seconds. */
function subject(name: string, push: (storePath: string) => number, isForeign = true): PeerSubject {
  return {
    name,
    isForeign,
    open: async () => ({
      serverPids: () => [],
      push: async ([storePath = ""]) => push(storePath),
    }),
  };
}

function slowIfLarge(storePath: string): number {
  return storePath.endsWith("large") ? 61 : 1;
}

async function measure(rounds: number, ...subjects: readonly PeerSubject[]) {
  const context = { directory, teardown: createTeardown(), say: () => {} };
  return await measurePeers(context as unknown as BenchContext, {
    kind: { name: "b2-server", versitygw: undefined, provesBytes: false },
    latencyMilliseconds: 5,
    subjects,
    closures: CLOSURES as unknown as PeerClosures,
    rounds,
  });
}

describe.skipIf(process.platform !== "linux")("measurePeers", () => {
  it("does not repeat a push that took longer than a minute, and removes its files", async () => {
    const { measurements } = await measure(2, subject("slow", slowIfLarge));
    const pushes = measurements.filter(({ task }) => task.endsWith("push"));
    expect(pushes.map(({ task, value }) => [task, value])).toEqual([
      ["5 ms: small, push", 1],
      ["5 ms: large, push", 61],
      ["5 ms: small, push", 1],
    ]);
    expect(await readdir(directory)).toEqual([]);
  });

  it("leaves out another cache once it has failed, and says why", async () => {
    let pushes = 0;
    const broken = subject("broken", () => {
      pushes++;
      throw new Error("niks3 ended with 1:\nno such bucket\n");
    });
    const { leftOut, failures, measurements } = await measure(
      2,
      broken,
      subject("good", () => 1),
    );
    expect([leftOut, failures]).toEqual([
      ["broken (b2-server, 5 ms), because it failed: no such bucket"],
      [],
    ]);
    expect([
      pushes,
      measurements.filter(({ task }) => task === "5 ms: small, push").length,
    ]).toEqual([1, 2]);
  });

  it("reports each failed round of this project, and goes on", async () => {
    let pushes = 0;
    const push = () => {
      if (pushes++ === 0) throw new Error("refused");
      return 1;
    };
    const { leftOut, failures, measurements } = await measure(2, subject("nargate", push, false));
    expect([leftOut, failures]).toEqual([[], ["nargate (b2-server, 5 ms): Error: refused"]]);
    expect(measurements.filter(({ task }) => task === "5 ms: small, push")).toHaveLength(1);
  });
});
