import { describe, expect, it } from "vitest";
import { mapInOrder } from "../../../src/client/audit/map-in-order.ts";

async function* numbers(count: number) {
  for (let n = 0; n < count; n++) yield n;
}

describe("mapInOrder", () => {
  it("yields in the order of the items, whichever ends first", async () => {
    const results: number[] = [];
    const pauses = [20, 1, 10, 1, 5];
    const mapped = mapInOrder(numbers(5), 3, async (n) => {
      await new Promise((resolve) => setTimeout(resolve, pauses[n]));
      return n;
    });
    for await (const n of mapped) results.push(n);
    expect(results).toEqual([0, 1, 2, 3, 4]);
  });

  it("never has more under way than it may, and takes no item too early", async () => {
    let open = 0;
    let most = 0;
    const mapped = mapInOrder(numbers(100), 8, async (n) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 1));
      open--;
      return n;
    });
    for await (const _ of mapped);
    expect(most).toBe(8);
  });

  it("throws the first failure at its place, and starts nothing after it", async () => {
    const started: number[] = [];
    const results: number[] = [];
    const run = async () => {
      const mapped = mapInOrder(numbers(100), 4, async (n) => {
        started.push(n);
        if (n === 2) throw new Error("two");
        return n;
      });
      for await (const n of mapped) results.push(n);
    };
    await expect(run()).rejects.toThrow("two");
    expect(results).toEqual([0, 1]);
    expect(started.length).toBeLessThan(8);
  });
});
