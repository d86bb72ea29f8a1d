import { describe, expect, it } from "vitest";
import type { PublishLine } from "../../../src/api/batches.ts";
import type { BatchApi, NarinfoEnd } from "../../../src/client/gateway/batch-api.ts";
import { type CacheClient, CacheRefusal } from "../../../src/client/gateway/cache-client.ts";
import { Unreachable } from "../../../src/client/gateway/http-client.ts";
import type { StorePathHash } from "../../../src/nix/store-path.ts";
import { createNarinfoPublisher } from "../../../src/client/push/narinfo-publisher.ts";
import { createPushLimits } from "../../../src/client/push/push-limits.ts";
import { parseNarinfo } from "../../../src/nix/narinfo.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const refusal = (status: number) => new CacheRefusal(`${status}`, status, undefined);
const hashOf = (number: number) => String(number).padStart(32, "0");

function narinfoOf(number: number, references: readonly string[] = []) {
  const text = [
    `StorePath: /nix/store/${hashOf(number)}-thing`,
    "URL: nar/x.nar",
    `NarHash: sha256:${"0".repeat(52)}`,
    "NarSize: 100",
    `References: ${references.join(" ")}`,
    "",
  ].join("\n");
  return valueOf(parseNarinfo(text, "/nix/store"));
}

/** Answers a request of `publish`, which has these hashes. */
type Answer = (hashes: readonly string[], end: (end: NarinfoEnd) => void) => void;

const published: Answer = (hashes, end) => {
  for (const hash of hashes) end({ hash, refusal: undefined, outcome: "published" });
};

const failing: Answer = (hashes, end) => {
  for (const hash of hashes) end({ hash, refusal: refusal(503) });
};

/** A publisher of a gateway that gives these answers, and the last of them from then on. */
function open(...answers: readonly Answer[]) {
  const requests: (readonly string[])[] = [];
  const listings: (string | undefined)[] = [];
  const nars: (string | undefined)[] = [];
  const buildSeconds: (number | undefined)[] = [];
  const puts: string[] = [];
  const upstream: (readonly string[] | undefined)[] = [];
  const batches: BatchApi = {
    narinfosAtOnce: 3,
    maxNarBytes: 100,
    findMissing: async () => new Set(),
    async publish(lines: readonly PublishLine[], onEnd) {
      const hashes = lines.map(({ path }) => path);
      const answer = answers[Math.min(requests.length, answers.length - 1)] ?? published;
      requests.push(hashes);
      listings.push(...lines.map(({ listing }) => listing));
      nars.push(...lines.map(({ nar }) => nar));
      buildSeconds.push(...lines.map((line) => line.buildSeconds));
      upstream.push(...lines.map(({ upstreamReferences }) => upstreamReferences));
      answer(hashes, onEnd);
    },
  };
  const client = {
    put: async (target: string) => void puts.push(target),
  } as unknown as CacheClient;
  const session = { client, limits: createPushLimits(), context: createTestContext() };
  const isOld = answers.length === 0;
  const publisher = createNarinfoPublisher({ ...session, batches: isOld ? undefined : batches });
  const publishMany = async (count: number) =>
    await Promise.allSettled(
      Array.from({ length: count }, (_, at) => publisher.publish(narinfoOf(at))),
    );
  return { publisher, publishMany, requests, listings, nars, buildSeconds, upstream, puts };
}

const failures = (ends: readonly PromiseSettledResult<unknown>[]) =>
  ends.flatMap((end) => (end.status === "rejected" ? [(end.reason as Error).message] : []));

describe("createNarinfoPublisher", () => {
  it("publishes what comes together in as few requests as the gateway allows", async () => {
    const { publishMany, requests } = open(published);
    expect(failures(await publishMany(7))).toEqual([]);
    expect(requests.map(({ length }) => length).toSorted()).toEqual([1, 3, 3]);
  });

  it("tells how long the build took, if that is known", async () => {
    const { publisher, buildSeconds } = open(published);
    await publisher.publish(narinfoOf(1), { buildSeconds: 2.5 });
    await publisher.publish(narinfoOf(2));
    expect(buildSeconds).toEqual([2.5, undefined]);
  });

  it("sends each by itself to an older gateway", async () => {
    const { publishMany, requests, puts } = open();
    await publishMany(2);
    expect(requests).toEqual([]);
    expect(puts.toSorted()).toEqual([`${hashOf(0)}.narinfo`, `${hashOf(1)}.narinfo`]);
  });

  it("sends a narinfo of many references by itself", async () => {
    const { publisher, requests, puts } = open(published);
    const many = Array.from({ length: 2000 }, (_, at) => `${hashOf(at)}-thing`);
    await publisher.publish(narinfoOf(5000, many));
    expect([requests, puts]).toEqual([[], [`${hashOf(5000)}.narinfo`]]);
  });

  it("sends again what the gateway did not take, as often as it takes some", async () => {
    const { publishMany, requests } = open((hashes, end) => published(hashes.slice(0, 1), end));
    expect(failures(await publishMany(3))).toEqual([]);
    expect(requests.map(({ length }) => length)).toEqual([3, 2, 1]);
  });

  it("sends a listing in the line of its narinfo", async () => {
    const { publisher, listings, puts } = open(published);
    await Promise.all([
      publisher.publish(narinfoOf(1), { listing: "{}" }),
      publisher.publish(narinfoOf(2)),
    ]);
    expect([listings, puts]).toEqual([["{}", undefined], []]);
  });

  it("names the references that it leaves to another cache", async () => {
    const { publisher, upstream } = open(published);
    await Promise.all([
      publisher.publish(narinfoOf(1), { upstream: [hashOf(7) as StorePathHash] }),
      publisher.publish(narinfoOf(2), { upstream: [] }),
    ]);
    expect(upstream).toEqual([[hashOf(7)], undefined]);
  });

  it("sends a listing before its narinfo where there are no batches", async () => {
    const old = open();
    await old.publisher.publish(narinfoOf(1), { listing: "{}" });
    expect(old.puts).toEqual([`${hashOf(1)}.ls`, `${hashOf(1)}.narinfo`]);
    const replaced = open(() => {
      throw refusal(404);
    });
    await replaced.publisher.publish(narinfoOf(1), { listing: "{}" });
    expect(replaced.puts).toEqual([`${hashOf(1)}.ls`, `${hashOf(1)}.narinfo`]);
  });

  it("sends a small NAR in the line of its narinfo", async () => {
    const { publisher, nars, puts } = open(published);
    await publisher.publish(narinfoOf(1), { nar: Buffer.from("NAR") });
    expect([nars, puts]).toEqual([["TkFS"], []]);
  });

  it("sends a small NAR before its narinfo where the gateway takes it in no line", async () => {
    const more = { nar: Buffer.from("NAR"), listing: "{}" };
    const wanted = ["nar/x.nar", `${hashOf(1)}.ls`, `${hashOf(1)}.narinfo`];
    const old = open();
    await old.publisher.publish(narinfoOf(1), more);
    expect(old.puts).toEqual(wanted);
    // A gateway without this feature looks for the NAR and does not find it.
    const ignoring = open((hashes, end) => {
      for (const hash of hashes) end({ hash, refusal: new CacheRefusal("", 409, "nar-absent") });
    });
    await ignoring.publisher.publish(narinfoOf(1), more);
    expect(ignoring.puts).toEqual(wanted);
  });

  it("says that the cache keeps other contents", async () => {
    const { publisher } = open((hashes, end) => {
      for (const hash of hashes) end({ hash, refusal: undefined, outcome: "conflict" });
    });
    expect(await publisher.publish(narinfoOf(1))).toBe("conflict");
    expect(await open(published).publisher.publish(narinfoOf(1))).toBeUndefined();
  });

  it("gives up after six requests of which the gateway takes none", async () => {
    const { publishMany, requests } = open(() => {});
    expect(failures(await publishMany(1))).toEqual(["the cache publishes none of the narinfos"]);
    expect(requests).toHaveLength(6);
  });

  it("fails exactly the narinfos that the gateway refuses", async () => {
    const { publishMany, requests } = open((hashes, end) => {
      for (const hash of hashes) {
        if (hash === hashOf(1)) end({ hash, refusal: refusal(400) });
        else published([hash], end);
      }
    });
    expect(failures(await publishMany(3))).toEqual(["400"]);
    expect(requests).toHaveLength(1);
  });

  it("tries again where the bucket fails for a moment, six times in all", async () => {
    const passing = open(failing, published);
    expect(failures(await passing.publishMany(2))).toEqual([]);
    const lasting = open(failing);
    expect(failures(await lasting.publishMany(2))).toEqual(["503", "503"]);
    expect(lasting.requests).toHaveLength(6);
  });

  it("sends the others again after a connection that broke half way", async () => {
    const { publishMany, requests } = open((hashes, end) => {
      published(hashes.slice(0, 1), end);
      throw new Unreachable("cut");
    }, published);
    expect(failures(await publishMany(3))).toEqual([]);
    expect(requests[1]).toEqual(requests[0]?.slice(1));
  });

  it("sends each by itself where an older gateway answers in the midst of a deployment", async () => {
    const { publishMany, puts } = open(() => {
      throw refusal(404);
    });
    expect(failures(await publishMany(3))).toEqual([]);
    expect(puts).toHaveLength(3);
  });

  it.each([
    { what: "cannot be reached", error: new Unreachable("cannot reach") },
    { what: "refuses the token", error: refusal(401) },
  ])("fails all narinfos of a request that $what", async ({ error }) => {
    const { publishMany, requests } = open(() => {
      throw error;
    });
    expect(failures(await publishMany(3))).toHaveLength(3);
    expect(requests).toHaveLength(1);
  });
});
