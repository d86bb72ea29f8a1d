import { describe, expect, it } from "vitest";
import { readAhead } from "../../../src/client/push/read-ahead.ts";

async function* count(to: number, asked: number[], onEnd: () => void = () => {}) {
  try {
    for (let next = 1; next <= to; next++) {
      asked.push(next);
      yield next;
    }
  } finally {
    onEnd();
  }
}

async function* fail() {
  yield 1;
  throw new Error("broken");
}

describe("readAhead", () => {
  it("yields the same, and asks for the next one before the reader does", async () => {
    const asked: number[] = [];
    const seen: number[] = [];
    for await (const number of readAhead(count(3, asked))) {
      seen.push(number);
      await Promise.resolve();
      expect(asked).toHaveLength(Math.min(3, number + 1));
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  it("ends the source if the reader stops", async () => {
    let isEnded = false;
    for await (const number of readAhead(count(3, [], () => (isEnded = true)))) {
      expect(number).toBe(1);
      break;
    }
    expect(isEnded).toBe(true);
  });

  it("passes on the failure of the source, after what came before it", async () => {
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const number of readAhead(fail())) seen.push(number);
      })(),
    ).rejects.toThrow("broken");
    expect(seen).toEqual([1]);
  });

  it("leaves no rejection unhandled if the reader stops before the failure", async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown) => rejections.push(reason);
    process.on("unhandledRejection", note);
    for await (const number of readAhead(fail())) if (number === 1) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off("unhandledRejection", note);
    expect(rejections).toEqual([]);
  });
});
