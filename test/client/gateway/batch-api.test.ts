import { describe, expect, it } from "vitest";
import { MAX_MISSING_HASHES } from "../../../src/api/batches.ts";
import { createBatchApi, type NarinfoEnd } from "../../../src/client/gateway/batch-api.ts";
import type { CacheClient } from "../../../src/client/gateway/cache-client.ts";
import type { StorePathHash } from "../../../src/nix/store-path.ts";

const LIMITS = { hashes: MAX_MISSING_HASHES, narinfos: 8 };

/** Hashes in order, made of numbers. */
const hashesOf = (count: number) =>
  Array.from({ length: count }, (_, at) => String(at).padStart(32, "0") as StorePathHash);

/** The batches of a gateway that looks for `budget` hashes in a request, and misses the odd ones. */
function open(budget: number, limits = LIMITS) {
  const sizes: number[] = [];
  const client = {
    call: async (_method: string, _target: string, input: { paths: readonly string[] }) => {
      sizes.push(input.paths.length);
      const looked = input.paths.slice(0, budget);
      const missing = looked.filter((hash) => Number(hash) % 2 === 1);
      return { missing, rest: input.paths.slice(budget) };
    },
  } as unknown as CacheClient;
  const api = createBatchApi(client, { batches: limits });
  if (api === undefined) throw new Error("this gateway has batches");
  return { api, sizes };
}

/** Publishes nothing, and returns the ends that these lines of the answer mean. */
async function read(...lines: readonly unknown[]): Promise<readonly NarinfoEnd[]> {
  const client = {
    async callWithLines(_target: string, _inputs: unknown, onLine: (line: unknown) => void) {
      for (const line of lines) onLine(line);
    },
  } as unknown as CacheClient;
  const ends: NarinfoEnd[] = [];
  const api = createBatchApi(client, { batches: LIMITS });
  await api?.publish([], (end) => void ends.push(end));
  return ends;
}

describe("createBatchApi", () => {
  it("has nothing for an older gateway", () => {
    expect(createBatchApi({} as CacheClient, {})).toBeUndefined();
  });

  it("asks once for all paths where the gateway answers for all", async () => {
    const { api, sizes } = open(10_000);
    const missing = await api.findMissing(hashesOf(1001).toReversed());
    expect([...missing]).toEqual(hashesOf(1001).filter((_, at) => at % 2 === 1));
    expect(sizes).toEqual([1001]);
  });

  it("asks again for the rest, by six requests at once", async () => {
    const { api, sizes } = open(100);
    expect((await api.findMissing(hashesOf(1000))).size).toBe(500);
    expect(sizes).toEqual([1000, ...Array.from({ length: 6 }, () => 150), 50, 50, 50, 50, 50, 50]);
  });

  it("asks for no more hashes in a request than the gateway allows", async () => {
    const { api, sizes } = open(1000, { ...LIMITS, hashes: 300 });
    await api.findMissing(hashesOf(700));
    expect(sizes).toEqual([300, 300, 100]);
  });

  it("asks nothing for no paths", async () => {
    const { api, sizes } = open(100);
    expect((await api.findMissing([])).size).toBe(0);
    expect(sizes).toEqual([]);
  });

  it("gives up on a gateway that answers for none of the paths", async () => {
    await expect(open(0).api.findMissing(hashesOf(3))).rejects.toThrow("none of the paths");
  });

  it("reads the end of each narinfo, and skips lines that only report progress", async () => {
    const error = { code: "nar-absent", message: "Push the NAR first", requestId: "x" };
    const ends = await read(
      { status: "publishing" },
      { path: "a", outcome: "published" },
      { path: "b", outcome: "of a later version" },
      { path: "c", error },
      { took: 3 },
    );
    expect(ends).toEqual([
      { hash: "a", refusal: undefined, outcome: "published" },
      { hash: "b", refusal: undefined, outcome: "of a later version" },
      { hash: "c", refusal: expect.objectContaining({ status: 400, code: "nar-absent" }) },
    ]);
    expect(ends[2]?.refusal?.message).toBe("c.narinfo: 400 Push the NAR first");
  });

  it("does not take another answer for that of a gateway", async () => {
    await expect(read({ hello: "world" })).rejects.toThrow("does not understand the answer");
  });
});
