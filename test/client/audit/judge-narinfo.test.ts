import { describe, expect, it } from "vitest";
import { judgeNarinfo, lacksOnlySignature } from "../../../src/client/audit/judge-narinfo.ts";
import type { NarState } from "../../../src/client/gateway/look-at-nar.ts";
import { parseNarinfo } from "../../../src/nix/narinfo.ts";
import { generateSecretKey, parseSecretKey, publicKeyOf } from "../../../src/nix/signature.ts";
import { type SampleOptions, samplePath } from "../../../testkit/node/sample-path.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const KEY = await generateSecretKey("team-1");
const OTHER = await generateSecretKey("other-1");
/** Has the name of the trusted key. */
const IMPOSTOR = await generateSecretKey("team-1");
const RULES = {
  storeDir: "/nix/store",
  keys: [publicKeyOf(valueOf(parseSecretKey(KEY)))],
};
const THERE: NarState = { verdict: "there", sizeBytes: 1 };

async function judge(options: SampleOptions, nar = THERE, change = (text: string) => text) {
  const { narinfo } = await samplePath("judged", options);
  return await judgeNarinfo(valueOf(parseNarinfo(change(narinfo), "/nix/store")), nar, RULES);
}

const rot13 = (text: string) => text.replace("Compression: none", "Compression: rot13");

describe("judgeNarinfo", () => {
  it.each([
    { verdict: "ok", secretKeys: [KEY], keyNames: ["team-1"] },
    { verdict: "ok", secretKeys: [OTHER, KEY], keyNames: ["other-1", "team-1"] },
    { verdict: "ok", secretKeys: [IMPOSTOR, KEY], keyNames: ["team-1"] },
    { verdict: "unsigned", secretKeys: [], keyNames: [] },
    { verdict: "unknown-key", secretKeys: [OTHER], keyNames: ["other-1"] },
    { verdict: "false-signature", secretKeys: [IMPOSTOR], keyNames: ["team-1"] },
    { verdict: "false-signature", secretKeys: [OTHER, IMPOSTOR], keyNames: ["other-1", "team-1"] },
  ])("calls a path with signatures of $keyNames $verdict", async ({ secretKeys, ...expected }) => {
    expect(await judge({ secretKeys })).toMatchObject(expected);
  });

  it.each([
    { verdict: "nar-gone", nar: { verdict: "MISSING", sizeBytes: undefined } },
    { verdict: "nar-wrong-size", nar: { verdict: "WRONG SIZE", sizeBytes: 3 } },
    { verdict: "nar-elsewhere", nar: { verdict: "elsewhere", sizeBytes: undefined } },
  ] as const)("calls a path $verdict whatever its signatures are", async ({ verdict, nar }) => {
    for (const secretKeys of [[], [KEY]]) {
      expect(await judge({ secretKeys }, nar)).toMatchObject({ verdict });
    }
  });

  it("calls a path unreadable that not every Nix takes", async () => {
    expect(await judge({ secretKeys: [KEY], lines: ["Sig: nonsense"] })).toMatchObject({
      verdict: "unreadable",
      says: "a signature is malformed; Nix 2.34 and later refuse the path",
    });
    expect(await judge({}, THERE, rot13)).toMatchObject({ verdict: "unreadable" });
  });

  it("refuses a content address that does not give the path, even if it is signed", async () => {
    const lines = [`CA: fixed:r:sha256:${"0".repeat(52)}`];
    expect(await judge({ secretKeys: [KEY], lines })).toMatchObject({ verdict: "false-address" });
  });

  it("needs no signature for a true content address", async () => {
    const text = [
      "StorePath: /nix/store/qbcwwxhwrljkgl8dxb6hqwvvv3x1wbw8-hello",
      "URL: nar/x.nar",
      "NarHash: sha256:0000000000000000000000000000000000000000000000000000",
      "NarSize: 1",
      "References: ",
      "",
    ].join("\n");
    const narinfo = valueOf(parseNarinfo(text, "/nix/store"));
    expect((await judgeNarinfo(narinfo, THERE, RULES)).verdict).toBe("unsigned");
    const { computeStorePath, parseContentAddress } =
      await import("../../../src/nix/content-address.ts");
    const contentAddress = `fixed:r:sha256:${"0".repeat(52)}`;
    const address = valueOf(parseContentAddress(contentAddress));
    const { name } = narinfo.storePath;
    const storePath = valueOf(
      await computeStorePath(address, name, [], "/nix/store", narinfo.storePath),
    );
    const addressed = { ...narinfo, storePath, contentAddress };
    expect((await judgeNarinfo(addressed, THERE, RULES)).verdict).toBe("ok");
  });

  it("lets a signature mend only what lacks nothing else", async () => {
    expect(lacksOnlySignature(await judge({}))).toBe(true);
    expect(lacksOnlySignature(await judge({ secretKeys: [OTHER] }))).toBe(true);
    expect(lacksOnlySignature(await judge({ secretKeys: [IMPOSTOR] }))).toBe(false);
    expect(lacksOnlySignature(await judge({ secretKeys: [KEY] }))).toBe(false);
  });
});
