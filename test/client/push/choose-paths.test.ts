import { describe, expect, it } from "vitest";
import type { BatchApi } from "../../../src/client/gateway/batch-api.ts";
import { CacheRefusal } from "../../../src/client/gateway/cache-client.ts";
import { Unreachable } from "../../../src/client/gateway/http-client.ts";
import type { PathInfo } from "../../../src/client/local-nix/path-info.ts";
import { choosePaths } from "../../../src/client/push/choose-paths.ts";
import { createPushLimits } from "../../../src/client/push/push-limits.ts";
import type { PathOutcome } from "../../../src/client/push/push-report.ts";
import type { PushOptions, PushSession } from "../../../src/client/push/push-session.ts";
import { createStopGuard } from "../../../src/client/push/stop-guard.ts";
import { parseHash } from "../../../src/nix/hash.ts";
import { type Narinfo, parseNarinfo } from "../../../src/nix/narinfo.ts";
import { formatStorePathBaseName, parseStorePathBaseName } from "../../../src/nix/store-path.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const hashOf = (number: number) => String(number).padStart(32, "0");

/** A path of the store; 1 was signed by an upstream key. */
function infoOf(number: number): PathInfo {
  return {
    path: valueOf(parseStorePathBaseName(`${hashOf(number)}-thing`)),
    narHash: valueOf(parseHash(`sha256:${"0".repeat(52)}`)),
    narSize: 100,
    references: [],
    deriver: undefined,
    isUltimate: false,
    signatures: number === 1 ? ["upstream-1:x"] : [],
    contentAddress: undefined,
  };
}

interface Choosing {
  readonly count: number;
  readonly named?: readonly number[];
  readonly options?: Partial<PushOptions>;
  readonly findMissing?: BatchApi["findMissing"];
  /** Whether the gateway has no batches. */
  readonly isOld?: boolean;
  /** The published narinfo of each path. */
  readonly published?: Narinfo | undefined;
  /** What the gateway proves. */
  readonly proves?: string;
}

/** Chooses among paths, of which the cache lacks those with an even number. */
async function choose({ count, named = [], options = {}, published, ...given }: Choosing) {
  const asked: string[][] = [];
  const read: string[] = [];
  const batches: BatchApi = {
    narinfosAtOnce: 8,
    maxNarBytes: 0,
    publish: async () => {},
    async findMissing(hashes) {
      asked.push([...hashes]);
      return await (given.findMissing?.(hashes) ??
        new Set(hashes.filter((hash) => Number(hash) % 2 === 0)));
    },
  };
  const session = {
    client: {
      async readNarinfo(hash: string) {
        read.push(hash);
        return published;
      },
    },
    store: { storeDir: "/nix/store" },
    options: { upstreamKeys: new Set(["upstream-1"]), signKey: undefined, ...options },
    limits: createPushLimits(),
    guard: createStopGuard(),
    context: createTestContext(),
    facts: { proves: given.proves ?? "file", publicKeys: [], storeDir: "/nix/store" },
    batches: given.isOld === true ? undefined : batches,
  } as unknown as PushSession;
  const outcomes: PathOutcome[] = [];
  const errors: unknown[] = [];
  const infos = Array.from({ length: count }, (_, number) => infoOf(number));
  const pending = await choosePaths(
    infos,
    named.map((number) => infoOf(number).path),
    session,
    {
      settle: (outcome) => void outcomes.push(outcome),
      settleError: (_, error) => void errors.push(error),
    },
  );
  const skipped = outcomes.map((one) => [
    formatStorePathBaseName(one.path).slice(0, 32),
    one.kind === "skipped" && one.reason,
  ]);
  return { pending: pending.map(({ id }) => id.slice(0, 32)), skipped, errors, asked, read };
}

describe("choosePaths", () => {
  it("asks once for all paths, without those that an upstream key signed", async () => {
    const { pending, skipped, asked, read } = await choose({ count: 5 });
    expect(asked).toEqual([[0, 2, 3, 4].map(hashOf)]);
    expect(read).toEqual([]);
    expect(pending).toEqual([0, 2, 4].map(hashOf));
    expect(skipped).toEqual([
      [hashOf(1), "signed by upstream-1"],
      [hashOf(3), "in the cache"],
    ]);
  });

  it("compares the paths that the user names, and only looks for the others", async () => {
    const text = [
      `StorePath: /nix/store/${hashOf(3)}-thing`,
      "URL: nar/x.nar",
      `NarHash: sha256:${"1".repeat(52)}`,
      "NarSize: 100",
      "References: ",
      "",
    ].join("\n");
    const published = valueOf(parseNarinfo(text, "/nix/store"));
    const { asked, read, skipped } = await choose({ count: 5, named: [3], published });
    expect(read).toEqual([hashOf(3)]);
    expect(asked).toEqual([[0, 2, 4].map(hashOf)]);
    expect(skipped).toContainEqual([hashOf(3), "in the cache with other contents"]);
    // Only a gateway that unpacks NARs can find out which contents are right.
    const repair = { count: 5, named: [3], published, options: { isRepair: true } };
    expect((await choose(repair)).pending).toEqual([]);
    expect((await choose({ ...repair, proves: "contents" })).pending).toEqual(
      [0, 2, 3, 4].map(hashOf),
    );
  });

  it("compares no more than 32 paths", async () => {
    const named = Array.from({ length: 100 }, (_, number) => number);
    const { read, asked } = await choose({ count: 100, named });
    // One of the 32 has an upstream signature.
    expect(read).toHaveLength(31);
    expect(asked[0]).toHaveLength(68);
  });

  it.each<{ what: string; given: Partial<Choosing> }>([
    { what: "to an older gateway", given: { isOld: true } },
    { what: "with --repair", given: { options: { isRepair: true } } },
  ])("asks for each path $what", async ({ given }) => {
    const { pending, asked, read } = await choose({ count: 4, ...given });
    expect(asked).toEqual([]);
    expect(read).toHaveLength(3);
    expect(pending).toHaveLength(3);
  });

  it("asks for each path where an older gateway answers in the midst of a deployment", async () => {
    const { pending, read } = await choose({
      count: 4,
      findMissing: async () => {
        throw new CacheRefusal("no such path", 404, "no-such-endpoint");
      },
    });
    expect(read).toHaveLength(3);
    expect(pending).toHaveLength(3);
  });

  it("fails each path that it asked for if there is no answer", async () => {
    const { pending, errors, skipped } = await choose({
      count: 4,
      findMissing: async () => {
        throw new Unreachable("cannot reach");
      },
    });
    expect([pending, errors.length, skipped.length]).toEqual([[], 3, 1]);
  });
});
