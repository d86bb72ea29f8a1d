import { describe, expect, it } from "vitest";
import { formatFingerprint } from "../../../../src/nix/fingerprint.ts";
import { parseNarinfo } from "../../../../src/nix/narinfo.ts";
import { parseSecretKey, signMessage } from "../../../../src/nix/signature.ts";
import { platformClock } from "../../../../src/worker/clock.ts";
import { publishNarinfo } from "../../../../src/worker/ingest/publish-narinfo.ts";
import { SECRET_KEY_ONE, SECRET_KEY_TWO } from "../../../nix/data/keys.ts";
import { keyOfNarinfo } from "../../../../testkit/narinfo.ts";
import { makeNar, makePackedPath, pack, type PackedPath } from "../../../../testkit/packed-path.ts";
import { valueOf } from "../../../../testkit/value-of.ts";
import { HASH } from "../../../../testkit/workerd/prepared.ts";
import { createPush, signingWith, type TestPush } from "../../../../testkit/workerd/push.ts";
import { rejectionOf } from "../../../../testkit/workerd/rejection.ts";

const CONTENTS = { prove: "contents", ...signingWith(SECRET_KEY_ONE) } as const;
const FILE = { ...CONTENTS, prove: "file" } as const;

const NAR = makeNar(20_000);
const GOOD = await makePackedPath(HASH, NAR);
const OTHER_BUILD = await makePackedPath(HASH, makeNar(20_000, 2));
const FALSE_HASH = await makePackedPath(HASH, NAR, { narHash: `sha256:${"0".repeat(52)}` });
const XZ = await makePackedPath(HASH, NAR, { compression: "xz", file: makeNar(900, 5) });
/** The narinfo of the good path, with a NAR of other contents. */
const POISONED = await makePackedPath(HASH, NAR, { file: await pack(makeNar(20_000, 3), "zstd") });
const TOO_LARGE = await makePackedPath(HASH, NAR, { narSize: 20_001 });
const TOO_SMALL = await makePackedPath(HASH, NAR, { narSize: 19_999 });
const UNPACKED = await makePackedPath(HASH, NAR, { file: NAR });
const KEY = keyOfNarinfo(GOOD.narinfo);

function putNar({ bucket }: Pick<TestPush, "bucket">, { narPath, file }: PackedPath): void {
  bucket.objects.set(narPath.slice(1), { bytes: file, contentType: "application/x-nix-nar" });
}

async function publish(path: PackedPath, push: TestPush, narinfo = path.narinfo): Promise<string> {
  putNar(push, path);
  return await publishNarinfo(KEY, narinfo, push);
}

const stored = ({ bucket }: TestPush) =>
  valueOf(parseNarinfo(bucket.textOf(KEY.path) ?? "", "/nix/store"));
const keysOf = (push: TestPush) => stored(push).signatures.map((text) => text.split(":")[0]);
const logged = ({ lines }: TestPush) =>
  lines.map(({ code }) => code).filter((code) => code !== "narinfo-unsigned");

async function signedBy(secretKey: string, { narinfo }: PackedPath): Promise<string> {
  const parsed = valueOf(parseNarinfo(narinfo, "/nix/store"));
  const fingerprint = formatFingerprint(parsed, "/nix/store");
  return `${narinfo}Sig: ${await signMessage(valueOf(parseSecretKey(secretKey)), fingerprint)}\n`;
}

describe("publishing with PROVE=contents", () => {
  it("signs a path whose NAR holds what the narinfo says", async () => {
    const push = createPush({ rules: CONTENTS });
    expect(await publish(GOOD, push)).toBe("published");
    expect(keysOf(push)).toEqual(["nargate-test-1"]);
    expect(logged(push)).toEqual([]);
    // One look at the NAR, and one GET of it.
    expect(push.bucket.calls.filter((call) => call.endsWith(GOOD.narPath.slice(1)))).toHaveLength(
      2,
    );
  });

  it.each([
    { what: "NarHash", path: FALSE_HASH, says: "other bytes than NarHash says" },
    {
      what: "larger NarSize",
      path: TOO_LARGE,
      says: "it unpacks to 20000 bytes, and NarSize is 20001",
    },
    {
      what: "smaller NarSize",
      path: TOO_SMALL,
      says: "more than NarSize",
    },
    { what: "NAR", path: POISONED, says: "other bytes than NarHash says" },
    {
      what: "compression",
      path: UNPACKED,
      says: "it does not begin as zstd",
    },
  ])("refuses a wrong $what, and stores nothing", async ({ path, says }) => {
    const push = createPush({ rules: CONTENTS });
    const refused = await rejectionOf(publish(path, push));
    expect(refused.code).toBe("contents-disproved");
    expect(refused.subject).toContain(says);
    expect(push.bucket.textOf(KEY.path)).toBeUndefined();
  });

  it("publishes xz without its own signature, and says so", async () => {
    const push = createPush({ rules: CONTENTS });
    const signed = await signedBy(SECRET_KEY_TWO, XZ);
    expect(await publish(XZ, push, signed)).toBe("published");
    expect(keysOf(push)).toEqual(["nargate-test-2"]);
    expect(logged(push)).toEqual(["contents-not-proved"]);
    expect(push.lines[0]?.fields).toMatchObject({
      compression: "xz",
      why: "the gateway cannot unpack xz",
    });
  });

  it("does not sign a published path in xz when it gains a signature", async () => {
    const push = createPush({ rules: CONTENTS });
    await publish(XZ, push);
    expect(await publish(XZ, push, await signedBy(SECRET_KEY_TWO, XZ))).toBe("signed");
    expect(keysOf(push)).toEqual(["nargate-test-2"]);
  });

  it("signs a path that was published before, once its NAR is proved", async () => {
    const push = createPush({ rules: { prove: "file" } });
    await publish(GOOD, push);
    const later = push.again(CONTENTS);
    expect(await publish(GOOD, later)).toBe("signed");
    expect(keysOf(later)).toEqual(["nargate-test-1"]);
    // The third push has nothing to gain from another look.
    later.bucket.calls.splice(0);
    later.memory.contents.known.clear();
    expect(await publish(GOOD, later)).toBe("kept");
    expect(later.bucket.calls.filter((call) => call.startsWith("get "))).toEqual([]);
  });

  it("refuses to sign a published path whose NAR holds something else", async () => {
    const push = createPush({ rules: { prove: "file" } });
    await publish(FALSE_HASH, push);
    const refused = await rejectionOf(publish(FALSE_HASH, push.again(CONTENTS)));
    expect(refused.code).toBe("contents-disproved");
    expect(keysOf(push)).toEqual([]);
  });

  it("puts a proved path in the place of a false one, and has the edge drop it", async () => {
    const push = createPush({ rules: FILE });
    await publish(FALSE_HASH, push);
    expect(keysOf(push)).toEqual(["nargate-test-1"]);
    const later = push.again(CONTENTS);
    expect(await publish(GOOD, later)).toBe("published");
    expect(later.bucket.textOf(KEY.path)?.startsWith(GOOD.narinfo)).toBe(true);
    expect(keysOf(later)).toEqual(["nargate-test-1"]);
    expect(later.purged).toEqual([KEY.path]);
    expect(logged(later)).toEqual(["narinfo-replaced"]);
  });

  it("heals a path whose true narinfo names a NAR of other contents", async () => {
    const push = createPush({ rules: { prove: "file" } });
    await publish(POISONED, push, await signedBy(SECRET_KEY_TWO, POISONED));
    // Without the proof, the right NAR changes nothing.
    expect(await publish(GOOD, push)).toBe("kept");
    const later = push.again(CONTENTS);
    expect(await publish(GOOD, later)).toBe("published");
    expect(stored(later).url).toBe(GOOD.narPath.slice(1));
    expect(keysOf(later).toSorted()).toEqual(["nargate-test-1", "nargate-test-2"]);
    expect(later.purged).toEqual([KEY.path]);
  });

  it("keeps a published path of other contents that is true", async () => {
    const push = createPush({ rules: CONTENTS });
    await publish(OTHER_BUILD, push);
    expect(await publish(GOOD, push)).toBe("conflict");
    expect(stored(push).url).toBe(OTHER_BUILD.narPath.slice(1));
    expect(push.purged).toEqual([]);
    const refusing = push.again({ ...CONTENTS, onConflict: "refuse" });
    expect((await rejectionOf(publish(GOOD, refusing))).code).toBe("build-not-reproducible");
  });

  it.each([
    { what: "false", path: FALSE_HASH },
    { what: "false with a NAR of other contents", path: POISONED },
  ])("keeps a $what path if the new one is false too", async ({ path }) => {
    const push = createPush({ rules: FILE });
    await publish(path, push);
    const false2 = await makePackedPath(HASH, makeNar(5000, 9), { narSize: 6000 });
    const refused = await rejectionOf(publish(false2, push.again(CONTENTS)));
    expect(refused.code).toBe("contents-disproved");
    expect(stored(push).url).toBe(path.narPath.slice(1));
  });

  it("keeps a published path that it cannot unpack", async () => {
    const push = createPush({ rules: FILE });
    await publish(XZ, push);
    const later = push.again(CONTENTS);
    expect(await publish(OTHER_BUILD, later)).toBe("conflict");
    expect(stored(later).url).toBe(XZ.narPath.slice(1));
  });

  it("keeps a published path while the bucket cannot give its NAR", async () => {
    let isDown = false;
    const push = createPush({
      rules: FILE,
      before: (call) => {
        if (isDown && call.startsWith("get ")) throw new Error("down");
      },
    });
    await publish(FALSE_HASH, push);
    isDown = true;
    const refused = await rejectionOf(publish(GOOD, push.again(CONTENTS)));
    expect(refused.code).toBe("bucket-unavailable");
    expect(stored(push).url).toBe(FALSE_HASH.narPath.slice(1));
    expect(push.purged).toEqual([]);
  });

  it("publishes one of two builds that are pushed at once", async () => {
    const push = { ...createPush({ rules: CONTENTS }), clock: platformClock };
    const outcomes = await Promise.all([publish(GOOD, push), publish(OTHER_BUILD, push)]);
    expect(outcomes.toSorted()).toEqual(["conflict", "published"]);
  });

  it("judges two narinfos of one NAR by one look at it", async () => {
    const push = createPush({ rules: CONTENTS });
    await publish(GOOD, push);
    push.bucket.objects.delete(KEY.path);
    await rejectionOf(publish(FALSE_HASH, push));
    const gets = push.bucket.calls.filter((call) => call.startsWith("get "));
    expect(gets).toHaveLength(1);
  });
});
