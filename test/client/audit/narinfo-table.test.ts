import { describe, expect, it } from "vitest";
import { createHashTable, listNarinfos } from "../../../src/client/audit/narinfo-table.ts";
import { encodeNix32 } from "../../../src/nix/encodings.ts";
import { parseStorePathHash } from "../../../src/nix/store-path.ts";
import { startAuditBucket } from "../../../testkit/node/start-audit-bucket.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const hashOf = (number: number) => {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32LE(number, 16);
  return valueOf(parseStorePathHash(encodeNix32(bytes)));
};

describe("a hash table", () => {
  it("knows thousands of hashes, and no other", () => {
    const hashes = Array.from({ length: 5000 }, (_, index) => hashOf(index * 2)).toSorted();
    const table = createHashTable();
    expect(table.has(hashOf(0))).toBe(false);
    for (const hash of hashes) table.add(hash);
    expect(table.count()).toBe(5000);
    expect(hashes.every((hash) => table.has(hash))).toBe(true);
    expect(table.has(hashOf(1))).toBe(false);
    expect([...table.after(undefined)]).toEqual(hashes);
  });

  it("goes on behind a hash, whether it has the hash or not", () => {
    const table = createHashTable();
    const [one, two, three] = [hashOf(1), hashOf(2), hashOf(3)].toSorted();
    if (one === undefined || two === undefined || three === undefined) throw new Error("none");
    table.add(one);
    table.add(three);
    expect([...table.after(one)]).toEqual([three]);
    expect([...table.after(two)]).toEqual([three]);
    expect([...table.after(three)]).toEqual([]);
  });
});

describe("listNarinfos", () => {
  it("takes a key as it is, without decoding it", async () => {
    const { view, open } = await startAuditBucket();
    const hash = hashOf(7);
    await view.write(`${hash}.narinfo`, Buffer.from("x"));
    await view.write(`${hash}%2Enarinfo`, Buffer.from("x"));
    await view.write(`${hash}.ls`, Buffer.from("x"));
    expect([...(await listNarinfos(open())).after(undefined)]).toEqual([hash]);
  });
});
