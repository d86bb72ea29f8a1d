import { describe, expect, it } from "vitest";
import { CACHE_CONTROL } from "../../../src/http/cache-control.ts";
import type { Edge, EdgeContext, EdgeRead } from "../../../src/worker/edge/edge.ts";
import { found, type MadeAnswer, NAR, NARINFO, notFound } from "../edge.ts";

/** An engine in front of an origin that gives prepared answers, one after another. */
export interface OpenedEdge {
  readonly edge: Edge;
  readonly context: EdgeContext;
  /** The requests that reached the origin behind the edge. */
  readonly asked: readonly unknown[];
  read(wanted?: Partial<EdgeRead>): Promise<{
    readonly status: number;
    readonly outcome: string;
    readonly text: string;
    readonly headers: Headers;
  }>;
}

const METADATA = { cacheControl: CACHE_CONTROL.metadata };

/** The promises of the port `Edge` that every engine keeps. */
export function edgeContract(
  name: string,
  open: (...answers: readonly MadeAnswer[]) => OpenedEdge,
) {
  describe(`${name} keeps the contract of an edge`, () => {
    it.each([
      { what: "a NAR", key: NAR, cacheControl: CACHE_CONTROL.nar },
      { what: "a narinfo", key: NARINFO, cacheControl: CACHE_CONTROL.metadata },
    ])("answers $what the second time from its own copy", async ({ key, cacheControl }) => {
      const { read, asked } = open(found("0123456789", { cacheControl }));
      const first = await read({ key });
      expect(first).toMatchObject({ status: 200, outcome: "miss", text: "0123456789" });
      const second = await read({ key });
      expect(second).toMatchObject({ status: 200, outcome: "hit", text: "0123456789" });
      for (const header of ["cache-control", "content-length", "content-type", "etag"]) {
        expect(second.headers.get(header), header).toBe(first.headers.get(header));
      }
      expect(asked).toHaveLength(1);
    });

    it("keeps nothing that Cache-Control forbids", async () => {
      const { read } = open(found("old", { cacheControl: "no-store" }), found("new", METADATA));
      await read({ key: NARINFO });
      expect(await read({ key: NARINFO })).toMatchObject({ outcome: "miss", text: "new" });
    });

    it("keeps the absence of a narinfo, and not the absence of a NAR", async () => {
      const narinfo = open(notFound(), found("narinfo", METADATA));
      await narinfo.read({ key: NARINFO });
      expect(await narinfo.read({ key: NARINFO })).toMatchObject({ status: 404, outcome: "hit" });
      const nar = open(notFound(CACHE_CONTROL.never), found("nar"));
      await nar.read({ key: NAR });
      expect(await nar.read({ key: NAR })).toMatchObject({ status: 200, text: "nar" });
    });

    it("does not show a kept absence to a client that is about to push", async () => {
      const { read } = open(notFound(), found("from the bucket", METADATA));
      await read({ key: NARINFO });
      const pushing = await read({ key: NARINFO, isPushing: true });
      expect(pushing).toMatchObject({ status: 200, text: "from the bucket" });
    });

    it("does not keep an absence that it told a client that is about to push", async () => {
      const { read } = open(notFound(), found("narinfo", METADATA));
      expect(await read({ key: NARINFO, isPushing: true })).toMatchObject({ status: 404 });
      expect(await read({ key: NARINFO })).toMatchObject({ status: 200, text: "narinfo" });
    });

    it.each([
      { range: { first: 2, last: 4 }, text: "234" },
      { range: { first: 7, last: undefined }, text: "789" },
      { range: { suffixLength: 2 }, text: "89" },
    ])("cuts $range out of its own copy", async ({ range, text }) => {
      const { read, asked } = open(found("0123456789"));
      await read({ key: NAR });
      const part = await read({ key: NAR, range });
      expect(part).toMatchObject({ status: 206, outcome: "hit", text });
      expect(asked).toHaveLength(1);
    });

    it("answers 416 for a range outside its own copy", async () => {
      const { read } = open(found("0123456789"));
      await read({ key: NAR });
      expect(await read({ key: NAR, range: { first: 10, last: undefined } })).toMatchObject({
        status: 416,
      });
    });

    it("drops one object on a purge, and no other", async () => {
      const { read, edge, context } = open(
        found("old", METADATA),
        found("other", METADATA),
        found("new", METADATA),
      );
      await read({ key: NARINFO });
      await read({ key: NAR });
      expect(await edge.purge([NARINFO], context)).toBe(true);
      expect(await read({ key: NAR })).toMatchObject({ outcome: "hit", text: "other" });
      expect(await read({ key: NARINFO })).toMatchObject({ outcome: "miss", text: "new" });
    });
  });
}
