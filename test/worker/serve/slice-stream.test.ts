import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredObject, StoredRange } from "../../../src/worker/bucket/bucket.ts";
import { CacheError } from "../../../src/worker/cache-error.ts";
import type { ByteRange } from "../../../src/http/request-headers.ts";
import { sliceStream } from "../../../src/worker/serve/slice-stream.ts";

interface Source {
  readonly body: ReadableStream<Uint8Array>;
  isCancelled(): boolean;
}

/** A stream of these chunks, one a read. */
function streamOf(chunks: readonly string[]): Source {
  const left = [...chunks];
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = left.shift();
        if (chunk === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(chunk));
      },
      cancel() {
        cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, isCancelled: () => cancelled };
}

function stored(
  body: ReadableStream<Uint8Array>,
  sizeBytes: number | undefined,
  range?: StoredRange,
): StoredObject {
  return {
    body,
    sizeBytes,
    range,
    etag: undefined,
    lastModified: undefined,
    contentEncoding: undefined,
  };
}

function thrownBy(action: () => unknown): CacheError {
  try {
    action();
  } catch (error) {
    if (error instanceof CacheError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const WHOLE = ["012", "3456", "789"];

describe("sliceStream", () => {
  it.each<{ what: string; range: ByteRange; first: number; last: number; text: string }>([
    { what: "a part", range: { first: 2, last: 5 }, first: 2, last: 5, text: "2345" },
    { what: "a part of one chunk", range: { first: 4, last: 5 }, first: 4, last: 5, text: "45" },
    { what: "whole chunks", range: { first: 3, last: 6 }, first: 3, last: 6, text: "3456" },
    { what: "the rest", range: { first: 8, last: undefined }, first: 8, last: 9, text: "89" },
    { what: "all", range: { first: 0, last: undefined }, first: 0, last: 9, text: "0123456789" },
    { what: "the first byte", range: { first: 0, last: 0 }, first: 0, last: 0, text: "0" },
    { what: "the end", range: { suffixLength: 4 }, first: 6, last: 9, text: "6789" },
    { what: "more than all", range: { suffixLength: 99 }, first: 0, last: 9, text: "0123456789" },
  ])("cuts $what out of a whole answer", async ({ range, first, last, text }) => {
    const slice = sliceStream(stored(streamOf(WHOLE).body, 10), range);
    expect(slice).toMatchObject({ first, last, sizeBytes: 10 });
    expect(await new Response(slice.body).text()).toBe(text);
  });

  it("cuts the same bytes, however the answer is chunked", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 5, unit: "grapheme-ascii" }), { maxLength: 8 }),
        fc.nat(40),
        fc.nat(40),
        async (chunks, a, b) => {
          const text = chunks.join("");
          const range = { first: Math.min(a, b), last: Math.max(a, b) };
          fc.pre(range.first < text.length);
          const slice = sliceStream(stored(streamOf(chunks).body, text.length), range);
          const bytes = await new Response(slice.body).text();
          expect(bytes).toBe(text.slice(range.first, range.last + 1));
        },
      ),
    );
  });

  it("reads no further than to the last byte that it needs", async () => {
    const source = streamOf(["01", "23", "45", "67", "89"]);
    const slice = sliceStream(stored(source.body, 10), { first: 1, last: 2 });
    expect(await new Response(slice.body).text()).toBe("12");
    await scheduler.wait(0);
    expect(source.isCancelled()).toBe(true);
  });

  it("passes on the part that was asked for", async () => {
    const part = { first: 2, last: 5, sizeBytes: 10 };
    const slice = sliceStream(stored(streamOf(["2345"]).body, 4, part), { first: 2, last: 5 });
    expect(slice).toMatchObject(part);
    expect(await new Response(slice.body).text()).toBe("2345");
  });

  it.each<{ what: string; part: StoredRange; range: ByteRange }>([
    {
      what: "begins elsewhere",
      part: { first: 0, last: 5, sizeBytes: 10 },
      range: { first: 2, last: 5 },
    },
    {
      what: "ends early",
      part: { first: 2, last: 4, sizeBytes: 10 },
      range: { first: 2, last: undefined },
    },
    {
      what: "is of another size",
      part: { first: 6, last: 9, sizeBytes: 12 },
      range: { suffixLength: 4 },
    },
  ])("refuses a part that $what", ({ part, range }) => {
    const source = streamOf(WHOLE);
    const error = thrownBy(() => sliceStream(stored(source.body, 6, part), range));
    expect(error.code).toBe("bucket-unavailable");
    expect(source.isCancelled()).toBe(true);
  });

  it.each<{ what: string; range: ByteRange }>([
    { what: "past the end", range: { first: 10, last: undefined } },
    { what: "of no bytes", range: { suffixLength: 0 } },
  ])("answers 416 to a range $what, and tells the size", ({ range }) => {
    const source = streamOf(WHOLE);
    const error = thrownBy(() => sliceStream(stored(source.body, 10), range));
    expect(error).toMatchObject({
      code: "range-not-satisfiable",
      subject: "The object has 10 bytes.",
    });
    expect(source.isCancelled()).toBe(true);
  });

  it("cannot slice what has no length", () => {
    const error = thrownBy(() =>
      sliceStream(stored(streamOf(WHOLE).body, undefined), { first: 0, last: 1 }),
    );
    expect(error.code).toBe("bucket-unavailable");
  });
});
