import { describe, expect, it } from "vitest";
import type { FailureCode } from "../../../src/api/failures/failures.ts";
import { publishNarinfo } from "../../../src/worker/ingest/publish-narinfo.ts";
import {
  NARINFO_BZIP2_TWO_SIGNATURES,
  NARINFO_NONE_SELF_REFERENCE,
  NARINFO_XZ_TEXT_CA,
} from "../../nix/data/narinfos.ts";
import { createPush, type TestPush } from "../../../testkit/workerd/push.ts";
import { fileSizeOf, keyOfNarinfo, narPathOf, putNarOf } from "../../../testkit/narinfo.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

/** The same path twice, by two compressions: signed by the first key, and by both. */
const ONE = NARINFO_NONE_SELF_REFERENCE;
const BOTH = NARINFO_BZIP2_TWO_SIGNATURES;
const KEY = keyOfNarinfo(ONE);
const SECOND_SIGNATURE = /^Sig: nargate-test-2:.*\n/m.exec(BOTH)?.[0] ?? "";

/** A push of these narinfos, whose NARs are there. */
function preparePush(...texts: readonly string[]): TestPush {
  const push = createPush();
  for (const text of texts) putNarOf(push.bucket, text);
  return push;
}

const publish = (text: string, push: TestPush) => publishNarinfo(keyOfNarinfo(text), text, push);

const written = (push: TestPush): string[] =>
  push.bucket.calls.filter((call) => call.startsWith("put ")).map((call) => call.slice(4));

describe("publishing a narinfo", () => {
  it("writes it to the letter, and has the edge forget it", async () => {
    const push = preparePush(ONE);
    expect(await publish(ONE, push)).toBe("published");
    expect(push.bucket.textOf(KEY.path)).toBe(ONE);
    expect(push.bucket.objects.get(KEY.path)?.contentType).toBe("text/x-nix-narinfo");
    expect(push.forgotten).toEqual([KEY.path]);
    expect(push.lines).toEqual([]);
  });

  it("warns once of a path without a signature, which clients do not accept", async () => {
    const unsigned = ONE.replaceAll(/^Sig: .*\n/gm, "");
    const push = preparePush(unsigned);
    await publish(unsigned, push);
    push.bucket.objects.delete(KEY.path);
    await publish(unsigned, push);
    expect(push.lines).toEqual([
      { level: "warn", code: "narinfo-unsigned", fields: { path: KEY.path, by: "ci" } },
    ]);
  });

  it("writes nix-cache-info before the first one, and asks for it once", async () => {
    const push = preparePush(ONE, NARINFO_XZ_TEXT_CA);
    await publish(ONE, push);
    await publish(NARINFO_XZ_TEXT_CA, push);
    expect(written(push)).toEqual([
      "nix-cache-info",
      KEY.path,
      keyOfNarinfo(NARINFO_XZ_TEXT_CA).path,
    ]);
    expect(push.bucket.calls.filter((call) => call === "head nix-cache-info")).toHaveLength(1);
    expect(push.bucket.textOf("nix-cache-info")).toBe(
      "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 41\n",
    );
    expect(push.bucket.objects.get("nix-cache-info")?.contentType).toBe("text/x-nix-cache-info");
  });

  it("asks for nix-cache-info again after an hour, in case the bucket was emptied", async () => {
    const push = preparePush(ONE, NARINFO_XZ_TEXT_CA);
    let now = 0;
    const clock = { ...push.clock, now: () => new Date(now) };
    await publishNarinfo(KEY, ONE, { ...push, clock });
    push.bucket.objects.delete("nix-cache-info");
    now = 3_599_999;
    const other = keyOfNarinfo(NARINFO_XZ_TEXT_CA);
    await publishNarinfo(other, NARINFO_XZ_TEXT_CA, { ...push, clock });
    expect(push.bucket.textOf("nix-cache-info")).toBeUndefined();
    push.bucket.objects.delete(other.path);
    now = 3_600_000;
    await publishNarinfo(other, NARINFO_XZ_TEXT_CA, { ...push, clock });
    expect(push.bucket.textOf("nix-cache-info")).toContain("StoreDir");
  });

  it("leaves a nix-cache-info that is there as it is", async () => {
    const push = preparePush(ONE);
    push.bucket.setText("nix-cache-info", "StoreDir: /nix/store\n");
    await publish(ONE, push);
    expect(push.bucket.textOf("nix-cache-info")).toBe("StoreDir: /nix/store\n");
  });

  it("asks for nix-cache-info again when writing it failed", async () => {
    let isDown = true;
    const push = createPush({
      before: (call) => {
        if (isDown && call === "put nix-cache-info") throw new Error("down");
      },
    });
    putNarOf(push.bucket, ONE);
    await expect(publish(ONE, push)).rejects.toThrow("down");
    expect(push.bucket.textOf(KEY.path)).toBeUndefined();
    isDown = false;
    await publish(ONE, push);
    expect(push.bucket.textOf("nix-cache-info")).toBeDefined();
  });
});

describe("a narinfo without its NAR (law 2)", () => {
  it("is refused, with the name of what to push first", async () => {
    const push = createPush();
    const error = await rejectionOf(publish(ONE, push));
    expect(error).toMatchObject({ code: "nar-absent", subject: `${narPathOf(ONE)}.` });
    expect(written(push)).toEqual([]);
  });

  it("is refused where the NAR has another size", async () => {
    const push = createPush();
    push.bucket.setText(narPathOf(ONE), "x".repeat(fileSizeOf(ONE) - 1));
    expect(await rejectionOf(publish(ONE, push))).toMatchObject({
      code: "nar-wrong-size",
      subject: `${narPathOf(ONE)}.`,
    });
    expect(written(push)).toEqual([]);
  });

  it("only adds its signatures where the path is published with another NAR", async () => {
    const push = preparePush(ONE);
    await publish(ONE, push);
    expect(await publish(BOTH, push)).toBe("signed");
    expect(push.bucket.textOf(KEY.path)).toBe(ONE + SECOND_SIGNATURE);
  });
});

describe("a narinfo that may not be published", () => {
  it.each<{ what: string; text: string; code: FailureCode; subject: string | undefined }>([
    {
      what: "malformed",
      text: ONE.replace("NarSize: 216", "NarSize: many"),
      code: "narinfo-malformed",
      subject: "(NarSize is wrong: it is not a number of bytes in plain digits).",
    },
    {
      what: "of another store",
      text: ONE.replace("/nix/store/", "/gnu/store/"),
      code: "narinfo-malformed",
      subject: "(StorePath is wrong: store path is not in the store directory).",
    },
    {
      what: "against the rules of this cache",
      text: ONE.replace(/URL: nar\//, "URL: https://example.org/nar/"),
      code: "narinfo-bad-url",
      subject: undefined,
    },
  ])(
    "is refused, and the bucket is at most asked for it: $what",
    async ({ text, code, subject }) => {
      const push = preparePush(ONE);
      const error = await rejectionOf(publishNarinfo(KEY, text, push));
      expect({ code: error.code, subject: error.subject }).toEqual({ code, subject });
      expect([[], [`read ${KEY.path}`]]).toContainEqual(push.bucket.calls);
    },
  );
});

describe("a narinfo of a path that is published", () => {
  it("with nothing new writes nothing, and costs two questions", async () => {
    const push = preparePush(ONE);
    await publish(ONE, push);
    push.bucket.calls.length = 0;
    expect(await publish(ONE, push)).toBe("kept");
    expect(push.bucket.calls.toSorted()).toEqual([`head ${narPathOf(ONE)}`, `read ${KEY.path}`]);
    expect(push.forgotten).toEqual([KEY.path]);
  });

  it("adds its signatures, and leaves where the NAR is", async () => {
    const push = preparePush(ONE, BOTH);
    await publish(ONE, push);
    expect(await publish(BOTH, push)).toBe("signed");
    expect(push.bucket.textOf(KEY.path)).toBe(ONE + SECOND_SIGNATURE);
    expect(push.forgotten).toEqual([KEY.path, KEY.path]);
  });

  const other = ONE.replace("NarSize: 216", "NarSize: 217").replace(
    "FileSize: 216",
    "FileSize: 217",
  );

  it("with other contents is not written, and is told to the operator (law 3)", async () => {
    const push = preparePush(ONE);
    await publish(ONE, push);
    putNarOf(push.bucket, other);
    expect(await publish(other, push)).toBe("conflict");
    expect(push.bucket.textOf(KEY.path)).toBe(ONE);
    const narHash = /NarHash: (.*)/.exec(ONE)?.[1];
    expect(push.lines).toEqual([
      {
        level: "warn",
        code: "narinfo-conflict",
        fields: {
          path: KEY.path,
          published: narHash,
          refused: narHash,
          differs: "NarSize or References",
          by: "ci",
        },
      },
    ]);
  });

  it("with other contents is refused where ON_CONFLICT says so", async () => {
    const push = preparePush(ONE);
    await publish(ONE, push);
    putNarOf(push.bucket, other);
    const error = await rejectionOf(publish(other, push.again({ onConflict: "refuse" })));
    expect(error).toMatchObject({
      code: "build-not-reproducible",
      subject: `(${KEY.hash}-self-1.0).`,
    });
    expect(push.lines).toHaveLength(1);
    expect(push.bucket.textOf(KEY.path)).toBe(ONE);
  });
});

describe("what is published but of no use to anyone", () => {
  it.each([
    { what: "unreadable", published: "StorePath: ?\n", why: "it was unreadable" },
    { what: "empty", published: "", why: "it was unreadable" },
    { what: "about another path", published: NARINFO_XZ_TEXT_CA, why: "it was unreadable" },
    { what: "preceded by a byte order mark", published: `\uFEFF${ONE}`, why: "it was unreadable" },
    { what: "without its NAR", published: BOTH, why: "its NAR was gone" },
  ])("is replaced, and told: $what", async ({ published, why }) => {
    const push = preparePush(ONE);
    push.bucket.setText(KEY.path, published);
    expect(await publish(ONE, push)).toBe("published");
    expect(push.bucket.textOf(KEY.path)).toBe(ONE);
    expect(push.lines).toEqual([
      { level: "warn", code: "narinfo-replaced", fields: { path: KEY.path, why, by: "ci" } },
    ]);
  });

  it("is replaced where its NAR is cut, and keeps its signatures", async () => {
    const push = preparePush(ONE, BOTH);
    await publish(BOTH, push);
    push.bucket.setText(narPathOf(BOTH), "cut");
    expect(await publish(ONE, push)).toBe("published");
    expect(push.bucket.textOf(KEY.path)).toBe(ONE + SECOND_SIGNATURE);
    expect(push.lines).toMatchObject([{ fields: { why: "its NAR is cut" } }]);
  });

  it("is not replaced by other contents, nor by a cut NAR, where its NAR is cut", async () => {
    const push = preparePush(ONE, BOTH);
    await publish(BOTH, push);
    push.bucket.setText(narPathOf(BOTH), "cut");
    const other = ONE.replace(/^References: .*$/m, "References: ");
    expect(await publish(other, push)).toBe("conflict");
    push.bucket.setText(narPathOf(ONE), "cut");
    expect(await publish(ONE, push)).toBe("kept");
    expect(push.bucket.textOf(KEY.path)).toBe(BOTH);
  });

  it("is not replaced where its URL points out of the cache, which may be on purpose", async () => {
    const push = preparePush(ONE);
    const elsewhere = ONE.replace("URL: nar/", "URL: https://example.org/nar/");
    push.bucket.setText(KEY.path, elsewhere);
    expect(await publish(ONE, push)).toBe("kept");
    expect(push.bucket.textOf(KEY.path)).toBe(elsewhere);
  });

  it("is not replaced while its NAR is there, though the contents differ", async () => {
    const published = BOTH.replace("NarSize: 216", "NarSize: 215");
    const push = preparePush(ONE, BOTH);
    push.bucket.setText(KEY.path, published);
    expect(await publish(ONE, push)).toBe("conflict");
    expect(push.bucket.textOf(KEY.path)).toBe(published);
  });
});

describe("a bucket that fails while something is published", () => {
  it.each(["read", "head", "put"])("at %s changes nothing", async (method) => {
    const push = createPush({
      before: (call) => {
        if (call.startsWith(`${method} `)) throw new Error("down");
      },
    });
    push.bucket.setText(KEY.path, "StorePath: ?\n");
    putNarOf(push.bucket, ONE);
    await expect(publish(ONE, push)).rejects.toThrow("down");
    expect(push.bucket.textOf(KEY.path)).toBe("StorePath: ?\n");
    expect(push.forgotten).toEqual([]);
  });
});
