import { describe, expect, it } from "vitest";
import { createTeardown } from "../../bench/measure/teardown.ts";

describe("createTeardown", () => {
  it("undoes the last first, one after the other", async () => {
    const teardown = createTeardown();
    const order: string[] = [];
    teardown.add(() => void order.push("first"));
    teardown.add(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push("second");
    });
    expect(await teardown.run()).toEqual([]);
    expect(order).toEqual(["second", "first"]);
  });

  it("goes on after a step that throws, and gives what it threw", async () => {
    const teardown = createTeardown();
    const order: string[] = [];
    const thrown = new Error("it does not stop");
    teardown.add(() => void order.push("first"));
    teardown.add(async () => await Promise.reject(thrown));
    expect(await teardown.run()).toEqual([thrown]);
    expect(order).toEqual(["first"]);
  });

  it("undoes at once what is added too late", async () => {
    const teardown = createTeardown();
    await teardown.run();
    let isUndone = false;
    teardown.add(() => {
      isUndone = true;
    });
    expect(isUndone).toBe(true);
  });
});
