import { describe, expect, it } from "vitest";
import type { FaultRule } from "../../../../tools/b2-server/fault-injector.ts";
import {
  errorOf,
  expectStored,
  linesOf,
  post,
  sendAll,
  sendParts,
  start,
} from "../../../../testkit/workerd/api.ts";

const lost = (operation: string): FaultRule => ({
  match: { operation },
  effect: { dropConnection: "after-commit" },
  count: 1,
});

describe("a bucket that fails while an upload is completed", () => {
  it.each<{ what: string; rules: readonly FaultRule[] }>([
    { what: "loses the answer of the completion", rules: [lost("CompleteMultipartUpload")] },
    { what: "loses the answer of the copy", rules: [lost("CopyObject")] },
    { what: "cuts what is read back", rules: [cut("GetObject", 1)] },
    { what: "cuts it four times", rules: [cut("GetObject", 4)] },
    {
      what: "ends the copy's 200 with an error, once",
      rules: [
        {
          match: { operation: "CopyObject" },
          effect: { status: 200, code: "InternalError" },
          count: 1,
        },
      ],
    },
    { what: "cannot remove what is left over", rules: [fault("DeleteObject")] },
    { what: "cannot list what is left over", rules: [fault("ListMultipartUploads")] },
  ])(
    "and $what stops nothing",
    async ({ rules }) => {
      const sent = await sendAll();
      await sent.gateway.bucket.addFaults(...rules);
      expect((await linesOf(await sent.complete())).at(-1)).toEqual({ status: "stored" });
      await sent.gateway.bucket.clearFaults();
      // Once more, which clears away what could not be before.
      expect((await linesOf(await sent.complete())).at(-1)).toEqual({ status: "stored" });
      await expectStored(sent);
    },
    30_000,
  );

  it.each(["HeadObject", "ListParts"])(
    "at %s answers 503 with Retry-After",
    async (operation) => {
      const sent = await sendAll();
      await sent.gateway.bucket.addFaults(fault(operation));
      const response = await sent.complete();
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
      expect((await errorOf(response)).code).toBe("bucket-unavailable");
      await sent.gateway.bucket.clearFaults();
      expect((await linesOf(await sent.complete())).at(-1)).toEqual({ status: "stored" });
      await expectStored(sent);
    },
    30_000,
  );

  it.each(["CompleteMultipartUpload", "GetObject", "CopyObject"])(
    "at %s is told in the last line, nothing is readable, and once more ends it",
    async (operation) => {
      const sent = await sendAll();
      const { gateway, nar } = sent;
      const secret = "detail-of-the-bucket";
      await gateway.bucket.addFaults({
        match: { operation },
        effect: { status: 200, code: "InternalError", message: secret },
      });
      const lines = await linesOf(await sent.complete());
      const { error }: { error?: { code: string; message: string } } = lines.at(-1) ?? {};
      expect(error?.code).toBe("bucket-unavailable");
      expect(JSON.stringify(lines)).not.toContain(secret);
      await gateway.bucket.clearFaults();
      expect((await gateway.request(`/${nar.key.path}`)).status).toBe(404);
      expect(gateway.log.some(({ code }) => code === "upload-refused")).toBe(true);
      const again = await start(gateway, nar);
      await sendParts(again, nar.bytes);
      const ended = await post(gateway, "uploads/complete", { handle: again.handle });
      expect((await linesOf(ended)).at(-1)).toEqual({ status: "stored" });
      await expectStored(sent);
    },
    30_000,
  );
});

function fault(operation: string): FaultRule {
  return { match: { operation }, effect: { status: 503 } };
}

function cut(operation: string, count: number): FaultRule {
  return { match: { operation }, effect: { cutAfterBytes: 1_000_000 }, count };
}
