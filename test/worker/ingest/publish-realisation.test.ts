import { describe, expect, it } from "vitest";
import { publishRealisation } from "../../../src/worker/ingest/publish-realisation.ts";
import type { BuildTraceKey, RealisationKey } from "../../../src/nix/object-key.ts";
import { PUBLIC_KEY_ONE, PUBLIC_KEY_TWO, SECRET_KEY_ONE } from "../../nix/data/keys.ts";
import {
  BUILD_TRACE_KEY,
  BUILD_TRACE_SECRET_KEY,
  BUILD_TRACE_SIMPLE,
  BUILD_TRACE_SIMPLE_SIGNATURE,
  REALISATION_DOC,
  REALISATION_SIGNED,
  REALISATION_UNSIGNED,
} from "../../nix/data/realisations.ts";
import { keyOf } from "../../../testkit/workerd/b2.ts";
import { createPush, signingWith, trusting } from "../../../testkit/workerd/push.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

function keyOfRealisation(text: string): RealisationKey {
  const { id }: { id: string } = JSON.parse(text);
  return keyOf("realisation", `realisations/${id}.doi`);
}

const KEY = keyOfRealisation(REALISATION_SIGNED);
const TRACE_KEY: BuildTraceKey = keyOf(
  "build-trace",
  `build-trace-v2/${BUILD_TRACE_KEY.drvPath}/${BUILD_TRACE_KEY.outputName}.doi`,
);

/** The text with these signatures in the place of its own. */
function signed(text: string, ...signatures: readonly string[]): string {
  return JSON.stringify({ ...(JSON.parse(text) as object), signatures });
}

const madeUp = (name: string): string => `${name}:${"A".repeat(86)}==`;

describe("publishRealisation", () => {
  it.each([
    { what: "a realisation", key: KEY, text: REALISATION_SIGNED },
    {
      what: "a realisation without a signature",
      key: keyOfRealisation(REALISATION_UNSIGNED),
      text: REALISATION_UNSIGNED,
    },
    { what: "a build trace entry", key: TRACE_KEY, text: BUILD_TRACE_SIMPLE },
  ])("writes $what as Nix wrote it, and has the edge forget it", async ({ key, text }) => {
    const push = createPush();
    expect(await publishRealisation(key, text, push)).toBe("published");
    expect(push.bucket.textOf(key.path)).toBe(text);
    expect(push.bucket.objects.get(key.path)?.contentType).toBe("application/json");
    expect(push.forgotten).toEqual([key.path]);
  });

  it("writes nothing when nothing is new", async () => {
    const push = createPush();
    await publishRealisation(KEY, REALISATION_SIGNED, push);
    expect(await publishRealisation(KEY, REALISATION_SIGNED, push)).toBe("kept");
    expect(await publishRealisation(KEY, signed(REALISATION_SIGNED), push)).toBe("kept");
    expect(push.bucket.calls.filter((call) => call.startsWith("put"))).toHaveLength(1);
    expect(push.forgotten).toEqual([KEY.path]);
  });

  it("adds a signature to the one that is there", async () => {
    const push = createPush();
    await publishRealisation(KEY, REALISATION_SIGNED, push);
    const second = signed(REALISATION_SIGNED, madeUp("other-1"));
    expect(await publishRealisation(KEY, second, push)).toBe("signed");
    const { signatures }: { signatures: string[] } = JSON.parse(push.bucket.textOf(KEY.path) ?? "");
    expect(signatures.map((signature) => signature.split(":")[0])).toEqual([
      "nargate-test-1",
      "other-1",
    ]);
  });

  it("leaves the first where a push names another path (law 3), and tells it", async () => {
    const push = createPush();
    await publishRealisation(KEY, REALISATION_SIGNED, push);
    const other = REALISATION_SIGNED.replace("-signed-user", "-other-user");
    expect(await publishRealisation(KEY, other, push)).toBe("conflict");
    expect(push.bucket.textOf(KEY.path)).toBe(REALISATION_SIGNED);
    expect(push.lines).toEqual([
      {
        level: "warn",
        code: "realisation-conflict",
        fields: {
          path: KEY.path,
          detail: "the stored realisation names another output path",
          by: "ci",
        },
      },
    ]);
  });

  it.each([
    { what: "is not JSON", stored: "{" },
    { what: "is about another output", stored: REALISATION_DOC },
    { what: "begins with a byte order mark", stored: `\uFEFF${REALISATION_SIGNED}` },
  ])("replaces one that $what", async ({ stored }) => {
    const push = createPush();
    push.bucket.setText(KEY.path, stored);
    expect(await publishRealisation(KEY, REALISATION_SIGNED, push)).toBe("published");
    expect(push.bucket.textOf(KEY.path)).toBe(REALISATION_SIGNED);
  });

  it.each([
    { what: "is not JSON", key: KEY, text: "{", subject: "(it is not JSON)." },
    {
      what: "is about another output than its name says",
      key: KEY,
      text: REALISATION_DOC,
      subject: "(it is about another output than its name says).",
    },
    {
      what: "has no path",
      key: TRACE_KEY,
      text: '{"signatures":[]}',
      subject: expect.stringContaining("outPath is wrong"),
    },
    {
      what: "has a malformed signature",
      key: KEY,
      text: signed(REALISATION_SIGNED, "x"),
      subject: "(the signatures field holds a value that is not a signature).",
    },
  ])("refuses one that $what", async ({ key, text, subject }) => {
    const push = createPush();
    expect(await rejectionOf(publishRealisation(key, text, push))).toMatchObject({
      code: "realisation-malformed",
      subject,
    });
    expect(push.bucket.calls).toEqual([]);
  });
});

describe("the keys of publishRealisation", () => {
  it("sign a realisation as Nix did", async () => {
    const push = createPush({ rules: signingWith(SECRET_KEY_ONE) });
    await publishRealisation(KEY, signed(REALISATION_SIGNED), push);
    expect(push.bucket.textOf(KEY.path)).toBe(REALISATION_SIGNED);
  });

  it("sign a build trace entry as Nix does, with its key signed along", async () => {
    const push = createPush({ rules: signingWith(BUILD_TRACE_SECRET_KEY) });
    await publishRealisation(TRACE_KEY, BUILD_TRACE_SIMPLE, push);
    const [keyName, sig] = BUILD_TRACE_SIMPLE_SIGNATURE.split(":");
    const { signatures }: { signatures: unknown } = JSON.parse(
      push.bucket.textOf(TRACE_KEY.path) ?? "",
    );
    expect(signatures).toEqual([{ keyName, sig }]);
  });

  it("let in what is signed by a trusted one", async () => {
    const push = createPush({ rules: trusting(PUBLIC_KEY_TWO, PUBLIC_KEY_ONE) });
    expect(await publishRealisation(KEY, REALISATION_SIGNED, push)).toBe("published");
  });

  it.each([
    { what: "by another", text: REALISATION_SIGNED, key: PUBLIC_KEY_TWO },
    { what: "by nobody", text: signed(REALISATION_SIGNED), key: PUBLIC_KEY_ONE },
    {
      what: "for another path",
      text: REALISATION_SIGNED.replace("-signed-user", "-other-user"),
      key: PUBLIC_KEY_ONE,
    },
  ])("keep out what is signed $what", async ({ text, key }) => {
    const push = createPush({ rules: trusting(key) });
    const error = await rejectionOf(publishRealisation(KEY, text, push));
    expect(error.code).toBe("signature-required");
    expect(push.bucket.calls).toEqual([]);
  });
});

describe("a published realisation that the gateway cannot read", () => {
  it("stays, stored in zstd, and the log names the encoding", async () => {
    const push = createPush();
    const bytes = new TextEncoder().encode("(zstd)") as Uint8Array<ArrayBuffer>;
    push.bucket.objects.set(KEY.path, {
      bytes,
      contentType: "application/json",
      contentEncoding: "zstd",
    });
    expect(await publishRealisation(KEY, REALISATION_SIGNED, push)).toBe("kept");
    expect(push.bucket.textOf(KEY.path)).toBe("(zstd)");
    expect(push.lines).toMatchObject([
      { code: "realisation-opaque", fields: { path: KEY.path, why: "it is zstd", by: "ci" } },
    ]);
  });

  it("stays, larger than any that the gateway writes", async () => {
    const push = createPush();
    const text = JSON.stringify({ note: "x".repeat(4 * 1024 * 1024) });
    push.bucket.setText(KEY.path, text);
    expect(await publishRealisation(KEY, REALISATION_SIGNED, push)).toBe("kept");
    expect(push.bucket.textOf(KEY.path)).toBe(text);
  });
});

const large = (text: string, sizeBytes: number): string =>
  JSON.stringify({ ...(JSON.parse(text) as object), note: "x".repeat(sizeBytes) });

describe("a realisation that would become too large to be read back", () => {
  it("stays as it is published, and the log says that it is full", async () => {
    const push = createPush();
    const published = large(signed(REALISATION_SIGNED), 2 * 1024 * 1024 - 300);
    push.bucket.setText(KEY.path, published);
    expect(await publishRealisation(KEY, REALISATION_SIGNED, push)).toBe("kept");
    expect(push.bucket.textOf(KEY.path)).toBe(published);
    expect(push.lines).toMatchObject([{ code: "document-full" }]);
  });

  it("is refused if it is new", async () => {
    const push = createPush();
    const text = large(REALISATION_SIGNED, 2 * 1024 * 1024);
    const error = await rejectionOf(publishRealisation(KEY, text, push));
    expect(error.code).toBe("body-too-large");
    expect(push.bucket.textOf(KEY.path)).toBeUndefined();
  });
});
