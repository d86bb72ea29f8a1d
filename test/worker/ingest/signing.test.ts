import { describe, expect, it } from "vitest";
import { publishNarinfo } from "../../../src/worker/ingest/publish-narinfo.ts";
import { formatFingerprint } from "../../../src/nix/fingerprint.ts";
import { type Narinfo, parseNarinfo } from "../../../src/nix/narinfo.ts";
import { parsePublicKey, parseSignature, verifySignature } from "../../../src/nix/signature.ts";
import { CURL_NARINFO } from "../../nix/data/cache-nixos-org.ts";
import {
  CACHE_NIXOS_ORG_KEY,
  PUBLIC_KEY_ONE,
  PUBLIC_KEY_TWO,
  SECRET_KEY_ONE,
  SECRET_KEY_TWO,
} from "../../nix/data/keys.ts";
import {
  NARINFO_CA_USER,
  NARINFO_NONE_SELF_REFERENCE,
  NARINFO_SYSTEM,
  NARINFO_XZ_TEXT_CA,
  NARINFO_ZSTD_NO_REFERENCES,
} from "../../nix/data/narinfos.ts";
import { valueOf } from "../../../testkit/value-of.ts";
import { keyOfNarinfo, putNarOf } from "../../../testkit/narinfo.ts";
import { createPush, signingWith, type TestPush, trusting } from "../../../testkit/workerd/push.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const parse = (text: string): Narinfo => valueOf(parseNarinfo(text, "/nix/store"));
const unsigned = (text: string): string => text.replaceAll(/^Sig: .*\n/gm, "");

const SIGNED = NARINFO_NONE_SELF_REFERENCE;
const SIGNATURE = /^Sig: (.*)$/m.exec(SIGNED)?.[1] ?? "";
const FORGED = SIGNED.replace(SIGNATURE, `nargate-test-1:${"A".repeat(86)}==`);

async function publish(text: string, rules: Parameters<TestPush["again"]>[0]) {
  const push = createPush({ rules: rules ?? {} });
  putNarOf(push.bucket, text);
  const key = keyOfNarinfo(text);
  const outcome = await publishNarinfo(key, text, push);
  return { push, outcome, stored: push.bucket.textOf(key.path) ?? "" };
}

describe("a signature that is none", () => {
  it("does not take the name of a trusted key, so that the true one can still come", async () => {
    const both = SIGNED.replace(
      `Sig: ${SIGNATURE}`,
      `Sig: nargate-test-2:${"A".repeat(86)}==\nSig: ${SIGNATURE}`,
    );
    const { push, stored } = await publish(both, trusting(PUBLIC_KEY_ONE, PUBLIC_KEY_TWO));
    expect(parse(stored).signatures).toEqual([SIGNATURE]);
    const key = keyOfNarinfo(both);
    const outcome = await publishNarinfo(
      key,
      unsigned(SIGNED),
      push.again(signingWith(SECRET_KEY_TWO)),
    );
    expect(outcome).toBe("signed");
    expect(parse(push.bucket.textOf(key.path) ?? "").signatures).toHaveLength(2);
  });
});

describe("SIGNING_KEY", () => {
  it("signs what is pushed as Nix would have", async () => {
    const { stored } = await publish(unsigned(SIGNED), signingWith(SECRET_KEY_ONE));
    expect(stored).toBe(SIGNED);
  });

  it("signs before what others signed, so that nobody takes its name", async () => {
    const { stored } = await publish(FORGED, signingWith(SECRET_KEY_ONE));
    expect(parse(stored).signatures).toEqual([SIGNATURE]);
  });

  it("adds to the signatures of others", async () => {
    const { stored } = await publish(SIGNED, signingWith(SECRET_KEY_TWO));
    const { signatures } = parse(stored);
    expect(signatures).toHaveLength(2);
    expect(signatures).toContain(SIGNATURE);
    const own = signatures.find((signature) => signature.startsWith("nargate-test-2:")) ?? "";
    expect(
      await verifySignature(
        valueOf(parsePublicKey(PUBLIC_KEY_TWO)),
        formatFingerprint(parse(SIGNED), "/nix/store"),
        valueOf(parseSignature(own)),
      ),
    ).toBe(true);
  });

  it("signs what was published before it was set, when that is pushed again", async () => {
    const { push, stored } = await publish(unsigned(SIGNED), {});
    expect(stored).toBe(unsigned(SIGNED));
    const again = push.again(signingWith(SECRET_KEY_ONE));
    const key = keyOfNarinfo(SIGNED);
    expect(await publishNarinfo(key, unsigned(SIGNED), again)).toBe("signed");
    expect(push.bucket.textOf(key.path)).toBe(SIGNED);
    expect(await publishNarinfo(key, unsigned(SIGNED), again)).toBe("kept");
  });

  it("signs nothing with two halves that do not belong together", async () => {
    const [one = "", two = ""] = [SECRET_KEY_ONE, SECRET_KEY_TWO].map(
      (key) => key.split(":")[1] ?? "",
    );
    const halves = [Uint8Array.fromBase64(one), Uint8Array.fromBase64(two)] as const;
    const glued = new Uint8Array([...halves[0].subarray(0, 32), ...halves[1].subarray(32)]);
    const rules = signingWith(`nargate-test-1:${glued.toBase64()}`);
    for (let count = 0; count < 2; count++) {
      const error = await rejectionOf(publish(SIGNED, rules));
      expect(error.code).toBe("misconfigured");
      expect(error.message).toBe("SIGNING_KEY has a public half that is not its own");
    }
  });
});

describe("TRUSTED_PUBLIC_KEYS", () => {
  it.each([
    { what: "is signed by one of them", text: SIGNED, keys: [PUBLIC_KEY_TWO, PUBLIC_KEY_ONE] },
    { what: "comes from cache.nixos.org", text: CURL_NARINFO, keys: [CACHE_NIXOS_ORG_KEY] },
    { what: "proves itself as text", text: unsigned(NARINFO_XZ_TEXT_CA), keys: [PUBLIC_KEY_TWO] },
    { what: "proves itself as a source", text: NARINFO_ZSTD_NO_REFERENCES, keys: [PUBLIC_KEY_TWO] },
    { what: "proves itself as a build", text: unsigned(NARINFO_CA_USER), keys: [PUBLIC_KEY_TWO] },
    {
      what: "proves itself though it refers to itself",
      text: unsigned(NARINFO_SYSTEM),
      keys: [PUBLIC_KEY_TWO],
    },
  ])("let in what $what", async ({ text, keys }) => {
    expect((await publish(text, trusting(...keys))).outcome).toBe("published");
  });

  it.each([
    { what: "has no signature", text: unsigned(SIGNED), keys: [PUBLIC_KEY_ONE] },
    { what: "is signed by another key", text: SIGNED, keys: [PUBLIC_KEY_TWO] },
    {
      what: "is signed by another key of a trusted name",
      text: SIGNED,
      keys: [PUBLIC_KEY_TWO.replace("-2:", "-1:")],
    },
    { what: "has a signature that is none of it", text: FORGED, keys: [PUBLIC_KEY_ONE] },
    {
      what: "has lost a reference since it was signed",
      text: SIGNED.replace(" z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep", ""),
      keys: [PUBLIC_KEY_ONE],
    },
    {
      what: "has a content address that is another path's",
      text: unsigned(SIGNED) + (/^CA: .*\n/m.exec(NARINFO_ZSTD_NO_REFERENCES)?.[0] ?? ""),
      keys: [PUBLIC_KEY_ONE],
    },
  ])("keep out what $what", async ({ text, keys }) => {
    const push = createPush({ rules: trusting(...keys) });
    putNarOf(push.bucket, text);
    const key = keyOfNarinfo(text);
    expect(await rejectionOf(publishNarinfo(key, text, push))).toMatchObject({
      code: "signature-required",
      message: `${key.path} by ci`,
    });
    expect(push.bucket.calls).toEqual([]);
  });

  it("are not satisfied by the gateway's own signature", async () => {
    const rules = { ...signingWith(SECRET_KEY_ONE), ...trusting(PUBLIC_KEY_ONE) };
    expect((await rejectionOf(publish(unsigned(SIGNED), rules))).code).toBe("signature-required");
  });
});

describe("a content address in the place of a signature", () => {
  const trustingOther = { ...trusting(PUBLIC_KEY_TWO), ...signingWith(SECRET_KEY_ONE) };

  it("lets a path in, but not under the gateway's own signature unless it proves the NAR", async () => {
    const { stored } = await publish(unsigned(NARINFO_XZ_TEXT_CA), trustingOther);
    expect(parse(stored).signatures).toEqual([]);
  });

  it("is refused when it is not the hash of the NAR that it would prove", async () => {
    const honest = unsigned(NARINFO_ZSTD_NO_REFERENCES);
    const { stored } = await publish(honest, trustingOther);
    expect(parse(stored).signatures).toHaveLength(1);
    const lying = honest.replace(/^NarHash: .*$/m, `NarHash: sha256:${"0".repeat(52)}`);
    const error = await rejectionOf(publish(lying, trustingOther));
    expect(error).toMatchObject({ code: "signature-required" });
  });
});
