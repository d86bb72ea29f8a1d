import { describe, expect, it } from "vitest";
import { createBucketMeter } from "../../../src/worker/bucket/bucket.ts";
import { answerInnerRequest } from "../../../src/worker/edge/workers-cache-edge.ts";
import { CacheError } from "../../../src/worker/cache-error.ts";
import { toFailure } from "../../../src/worker/failure-response.ts";
import {
  createOrigin,
  createOwnKeys,
  found,
  type MadeAnswer,
  NAR,
  textOf,
} from "../../../testkit/workerd/edge.ts";

describe("answerInnerRequest", () => {
  const keys = createOwnKeys();
  const answer = (request: Request, ...answers: readonly MadeAnswer[]) =>
    answerInnerRequest(
      request,
      keys,
      createOrigin(...answers).origin,
      { requests: 3, milliseconds: 12.5 },
      toFailure,
    );

  it("says for whom it is and what it cost, beside what the origin says", async () => {
    const request = new Request(keys.urlOf(NAR), { headers: { "nargate-filled-for": "me" } });
    const response = await answer(request, found("0123456789"));
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      "cache-control": "public, max-age=31536000, immutable",
      "content-length": "10",
      "content-type": "application/x-nix-nar",
      etag: '"tag"',
      "nargate-bucket-cost": "3;12.5",
      "nargate-filled-for": "me",
    });
    expect(await textOf(response)).toBe("0123456789");
  });

  it("asks the origin for the whole, whatever the request says", async () => {
    const { origin, asked } = createOrigin(found("0123456789"));
    const request = new Request(keys.urlOf(NAR), { headers: { range: "bytes=0-1" } });
    await answerInnerRequest(request, keys, origin, createBucketMeter(), toFailure);
    expect(asked).toEqual([{ path: NAR.path, range: undefined }]);
  });

  it.each([
    { what: "of another host", url: `https://cache.example.org/${NAR.path}` },
    { what: "with a query", url: `${keys.urlOf(NAR)}?x` },
  ])("refuses a URL $what, for nobody to keep", async ({ url }) => {
    const response = await answer(new Request(url), found("x"));
    expect(response.status).toBe(404);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("nargate-failure")).toBe("bad-path");
  });

  it("answers a failure with its status, its code and nothing else", async () => {
    const response = await answer(new Request(keys.urlOf(NAR)), () => {
      throw new CacheError("bucket-unavailable", "a secret", { retryAfterSeconds: 7 });
    });
    expect(response.status).toBe(503);
    expect(Object.fromEntries(response.headers)).toEqual({
      "cache-control": "no-store",
      "nargate-failure": "bucket-unavailable",
      "retry-after": "7",
    });
    expect(response.body).toBeNull();
  });
});
