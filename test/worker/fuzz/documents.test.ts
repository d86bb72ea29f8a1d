import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalFingerprints } from "../../../src/nix/fingerprint.ts";
import { MAX_NARINFO_BYTES, parseNarinfo } from "../../../src/nix/narinfo.ts";
import { CacheError } from "../../../src/worker/cache-error.ts";
import { publishNarinfo } from "../../../src/worker/ingest/publish-narinfo.ts";
import { readFromBucket } from "../../../src/worker/serve/origin.ts";
import { checkProperty, propertyTimeout } from "../../../testkit/check-property.ts";
import { keyOfNarinfo, putNarOf } from "../../../testkit/narinfo.ts";
import { valueOf } from "../../../testkit/value-of.ts";
import { createTestLog } from "../../../testkit/workerd/log.ts";
import { createPush } from "../../../testkit/workerd/push.ts";
import { NARINFO_NONE_SELF_REFERENCE } from "../../nix/data/narinfos.ts";

const FIRST = NARINFO_NONE_SELF_REFERENCE;
const KEY = keyOfNarinfo(FIRST);
const parse = (text: string) => valueOf(parseNarinfo(text, "/nix/store"));

const signature = fc
  .tuple(fc.integer({ min: 1, max: 400 }), fc.nat(1000))
  .map(([length, count]) => `Sig: ${String(count).padStart(length, "k")}:${"A".repeat(86)}==\n`);

/** Lines that a narinfo may have in any number. */
const lines = fc.oneof(
  fc.array(signature, { maxLength: 80 }).map((all) => all.join("")),
  fc.nat(40_000).map((count) => "Note: x\n".repeat(count)),
  fc.nat(MAX_NARINFO_BYTES).map((length) => `Note: ${"x".repeat(length)}\n`),
  fc.constant(""),
);

describe("pushes of large documents to one published path", () => {
  it(
    "leave it readable, with the contents that it had first",
    async () => {
      await checkProperty(
        "large documents",
        fc.asyncProperty(fc.array(lines, { minLength: 1, maxLength: 4 }), async (pushes) => {
          const push = createPush();
          putNarOf(push.bucket, FIRST);
          await publishNarinfo(KEY, FIRST, push);
          for (const more of pushes) {
            const failure = await publishNarinfo(KEY, FIRST + more, push).then(
              () => undefined,
              (error: unknown) => error,
            );
            expect(failure === undefined || failure instanceof CacheError).toBe(true);
          }
          const stored = push.bucket.textOf(KEY.path) ?? "";
          expect(new TextEncoder().encode(stored).byteLength).toBeLessThanOrEqual(
            MAX_NARINFO_BYTES,
          );
          expect(equalFingerprints(parse(stored), parse(FIRST))).toBe(true);
          const { response } = await readFromBucket(KEY, undefined, {
            bucket: push.bucket,
            storeDir: "/nix/store",
            log: createTestLog().log,
          });
          expect(response.status).toBe(200);
        }) as never,
        60,
      );
    },
    propertyTimeout(),
  );
});
