import { describe, expect, it } from "vitest";
import { parsePublicKey } from "../../../src/nix/signature.ts";
import { publishNarinfo } from "../../../src/worker/ingest/publish-narinfo.ts";
import { keyOfNarinfo, putNarOf } from "../../../testkit/narinfo.ts";
import { valueOf } from "../../../testkit/value-of.ts";
import { createPush, signingWith, type TestPush } from "../../../testkit/workerd/push.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";
import { PUBLIC_KEY_ONE, SECRET_KEY_TWO } from "../../nix/data/keys.ts";
import {
  NARINFO_BZIP2_TWO_SIGNATURES,
  NARINFO_NONE_SELF_REFERENCE,
} from "../../nix/data/narinfos.ts";

/** The same path twice, by two compressions: signed by the first key, and by both. */
const ONE = NARINFO_NONE_SELF_REFERENCE;
const BOTH = NARINFO_BZIP2_TWO_SIGNATURES;
const KEY = keyOfNarinfo(ONE);

/** A push of a narinfo whose NAR is there. */
function preparePush(text: string): TestPush {
  const push = createPush();
  putNarOf(push.bucket, text);
  return push;
}

const publish = (text: string, push: TestPush) => publishNarinfo(keyOfNarinfo(text), text, push);

const SIGNATURE_BYTES = `${"A".repeat(86)}==`;
const MIB = 1024 * 1024;

/** `text` with an unknown line, which the gateway keeps, so that it has `sizeBytes`. */
function padded(text: string, sizeBytes: number): string {
  return `${text}Note: ${"x".repeat(sizeBytes - text.length - "Note: \n".length)}\n`;
}

describe("a narinfo that would become too large to be read back", () => {
  it("is refused with a key name of more than 256 characters", async () => {
    const named = (length: number) => `${ONE}Sig: ${"k".repeat(length)}:${SIGNATURE_BYTES}\n`;
    const push = preparePush(ONE);
    expect(await rejectionOf(publish(named(257), push))).toMatchObject({
      code: "narinfo-bad-signature",
    });
    expect(push.bucket.textOf(KEY.path)).toBeUndefined();
    expect(await publish(named(256), push)).toBe("published");
  });

  it("stays as it is published, and the log says that it is full", async () => {
    const push = preparePush(ONE);
    const published = padded(ONE, 2 * MIB - 10);
    push.bucket.setText(KEY.path, published);
    expect(await publish(BOTH, push)).toBe("kept");
    expect(push.bucket.textOf(KEY.path)).toBe(published);
    expect(push.lines).toMatchObject([
      { code: "document-full", fields: { path: KEY.path, by: "ci" } },
    ]);
  });

  it("is refused if only the gateway's own signature makes it so", async () => {
    const push = createPush({ rules: signingWith(SECRET_KEY_TWO) });
    putNarOf(push.bucket, ONE);
    const error = await rejectionOf(publish(padded(ONE, 2 * MIB - 10), push));
    expect(error.code).toBe("body-too-large");
    expect(push.bucket.textOf(KEY.path)).toBeUndefined();
  });

  it("is left alone where one beyond every limit lies in the bucket", async () => {
    const push = preparePush(ONE);
    const published = padded(ONE, 4 * MIB + 1);
    push.bucket.setText(KEY.path, published);
    expect(await publish(ONE, push)).toBe("kept");
    expect(push.bucket.textOf(KEY.path)).toBe(published);
    expect(push.lines).toMatchObject([{ code: "narinfo-opaque", fields: { path: KEY.path } }]);
  });
});

describe("signatures for a published path", () => {
  const unsigned = ONE.replaceAll(/^Sig: .*\n/gm, "");

  // A path that an old bucket holds in a form that is no new publication's.
  it.each([
    { what: "a URL with a UUID", edit: [/^URL: .*$/m, "URL: nar/0b5d0b1e-9f5e-4b7e.nar"] },
    { what: "a URL with a query", edit: [/^URL: (.*)$/m, "URL: $1?hash=abc"] },
    { what: "no FileHash", edit: [/^FileHash: .*\n/m, ""] },
  ] as const)("are added to a narinfo with $what", async ({ edit: [pattern, replacement] }) => {
    const push = createPush();
    push.bucket.setText(KEY.path, unsigned.replace(pattern, replacement));
    expect(await publish(ONE.replace(pattern, replacement), push)).toBe("signed");
    const stored = push.bucket.textOf(KEY.path) ?? "";
    expect(stored).toBe(ONE.replace(pattern, replacement));
  });

  it("do not open a way to publish such a narinfo anew", async () => {
    const push = preparePush(ONE);
    const error = await rejectionOf(publish(ONE.replace(/^FileHash: .*\n/m, ""), push));
    expect(error.code).toBe("narinfo-file-missing");
    expect(push.bucket.textOf(KEY.path)).toBeUndefined();
  });

  it("of a published key displace one of 32 that nobody knows", async () => {
    const push = preparePush(ONE);
    const worthless = Array.from(
      { length: 32 },
      (_, index) => `Sig: x-${index}:${SIGNATURE_BYTES}\n`,
    );
    push.bucket.setText(KEY.path, unsigned + worthless.join(""));
    const known = { ...push.cache, publicKeys: [valueOf(parsePublicKey(PUBLIC_KEY_ONE))] };
    expect(await publishNarinfo(KEY, ONE, { ...push, cache: known })).toBe("signed");
    const signatures = (push.bucket.textOf(KEY.path) ?? "").match(/^Sig: .*$/gm) ?? [];
    expect(signatures).toHaveLength(32);
    expect(signatures.at(-1)).toContain("nargate-test-1:");
    expect(signatures[0]).toContain("x-0:");
  });
});
