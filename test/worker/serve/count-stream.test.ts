import { describe, expect, it } from "vitest";
import { countStream } from "../../../src/worker/serve/count-stream.ts";
import { makeBytes } from "../../../testkit/store-path.ts";

const MIB = 1024 * 1024;

describe("countStream", () => {
  it.each([0, 1, 31, 32, 33, 5 * MIB])("returns all of %d bytes", async (sizeBytes) => {
    const bytes = makeBytes(sizeBytes, 3);
    const { head, body } = await countStream(new Blob([bytes]).stream(), 32, sizeBytes);
    expect(head).toEqual(bytes.slice(0, 32));
    expect(new Uint8Array(await new Response(body).arrayBuffer())).toEqual(bytes);
  });

  it("fails for a body that is shorter than it should be", async () => {
    const { body } = await countStream(new Blob([makeBytes(100, 1)]).stream(), 32, 200);
    await expect(new Response(body).arrayBuffer()).rejects.toThrow("FixedLengthStream");
  });

  it("ends the source when the reader goes away", async () => {
    let isCancelled = false;
    const source = new ReadableStream({
      type: "bytes",
      pull(controller) {
        controller.enqueue(makeBytes(1000, 1));
      },
      cancel() {
        isCancelled = true;
      },
    });
    const { body, arrived } = await countStream(source, 32, 10 * MIB);
    await body.cancel("enough");
    await expect(arrived).rejects.toThrow("enough");
    await scheduler.wait(20);
    expect(isCancelled).toBe(true);
  });
});
