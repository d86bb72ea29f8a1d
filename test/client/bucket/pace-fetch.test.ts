import { describe, expect, it } from "vitest";
import { paceFetch } from "../../../src/client/bucket/pace-fetch.ts";

describe("paceFetch", () => {
  it("spreads requests that come at once, and lets a late one through", async () => {
    let time = 1000;
    const pauses: number[] = [];
    const paced = paceFetch(
      {
        fetch: async () => new Response("x"),
        now: () => new Date(time),
        sleep: async (milliseconds) => void pauses.push(milliseconds),
      },
      4,
    );
    await Promise.all([paced("http://x"), paced("http://x"), paced("http://x")]);
    expect(pauses).toEqual([250, 500]);
    time += 10_000;
    await paced("http://x");
    expect(pauses).toHaveLength(2);
  });
});
