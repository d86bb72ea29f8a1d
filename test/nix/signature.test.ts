import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { formatFingerprint } from "../../src/nix/fingerprint.ts";
import { parseNarinfo } from "../../src/nix/narinfo.ts";
import {
  formatPublicKey,
  formatSignature,
  generateSecretKey,
  hasMatchingPublicKey,
  isKeyName,
  parsePublicKey,
  parseSecretKey,
  parseSignature,
  publicKeyOf,
  signMessage,
  verifySignature,
} from "../../src/nix/signature.ts";
import { CURL_NARINFO, HELLO_NARINFO } from "./data/cache-nixos-org.ts";
import {
  CACHE_NIXOS_ORG_KEY,
  PUBLIC_KEY_ONE,
  PUBLIC_KEY_TWO,
  SECRET_KEY_ONE,
  SECRET_KEY_TWO,
} from "./data/keys.ts";
import {
  NARINFO_BZIP2_TWO_SIGNATURES,
  NARINFO_CA_USER,
  NARINFO_NONE_SELF_REFERENCE,
  NARINFO_SYSTEM,
  NARINFO_XZ_TEXT_CA,
} from "./data/narinfos.ts";
import { errorOf, valueOf } from "../../testkit/value-of.ts";

const ZEROS = `${"A".repeat(86)}==`;

async function countValid(text: string, keys: readonly string[]): Promise<number> {
  const narinfo = valueOf(parseNarinfo(text, "/nix/store"));
  const message = formatFingerprint(narinfo, "/nix/store");
  const verdicts = narinfo.signatures.flatMap((signature) =>
    keys.map((key) =>
      verifySignature(valueOf(parsePublicKey(key)), message, valueOf(parseSignature(signature))),
    ),
  );
  return (await Promise.all(verdicts)).filter(Boolean).length;
}

describe("verifySignature", () => {
  it.each([
    { what: "curl", text: CURL_NARINFO },
    { what: "hello", text: HELLO_NARINFO },
  ])("accepts what cache.nixos.org signed: $what", async ({ text }) => {
    expect(await countValid(text, [CACHE_NIXOS_ORG_KEY])).toBe(1);
  });

  it.each([
    { what: "a text", text: NARINFO_XZ_TEXT_CA, valid: 1 },
    { what: "a path referring to itself", text: NARINFO_NONE_SELF_REFERENCE, valid: 1 },
    { what: "two keys", text: NARINFO_BZIP2_TWO_SIGNATURES, valid: 2 },
    { what: "a path with System", text: NARINFO_SYSTEM, valid: 2 },
    { what: "a content-addressed build", text: NARINFO_CA_USER, valid: 1 },
  ])("accepts what Nix 2.8 signed: $what", async ({ text, valid }) => {
    expect(await countValid(text, [PUBLIC_KEY_ONE, PUBLIC_KEY_TWO])).toBe(valid);
  });

  it("refuses a narinfo changed after it was signed", async () => {
    const changed = CURL_NARINFO.replace("NarSize: 196040", "NarSize: 196041");
    expect(await countValid(changed, [CACHE_NIXOS_ORG_KEY])).toBe(0);
  });

  it("refuses another key of the same name", async () => {
    const impostor = PUBLIC_KEY_TWO.replace("nargate-test-2", "cache.nixos.org-1");
    expect(await countValid(CURL_NARINFO, [impostor])).toBe(0);
  });

  it("refuses the right key under another name", async () => {
    const renamed = CACHE_NIXOS_ORG_KEY.replace("cache.nixos.org-1", "cache.nixos.org-2");
    expect(await countValid(CURL_NARINFO, [renamed])).toBe(0);
  });

  it("refuses a signature of zeros", async () => {
    const signature = valueOf(parseSignature(`nargate-test-1:${ZEROS}`));
    expect(await verifySignature(valueOf(parsePublicKey(PUBLIC_KEY_ONE)), "", signature)).toBe(
      false,
    );
  });
});

describe("signMessage", () => {
  it("writes the signature that Nix wrote", async () => {
    const narinfo = valueOf(parseNarinfo(NARINFO_XZ_TEXT_CA, "/nix/store"));
    const secretKey = valueOf(parseSecretKey(SECRET_KEY_ONE));
    const signature = await signMessage(secretKey, formatFingerprint(narinfo, "/nix/store"));
    expect(narinfo.signatures).toEqual([signature]);
  });

  it("writes the same again", async () => {
    const secretKey = valueOf(parseSecretKey(SECRET_KEY_ONE));
    const first = await signMessage(secretKey, "again");
    expect(await signMessage(secretKey, "again")).toBe(first);
  });

  it("imports each half of a key once, however often it is used", async () => {
    const importKey = vi.spyOn(crypto.subtle, "importKey");
    try {
      const secretKey = valueOf(parseSecretKey(SECRET_KEY_ONE));
      await hasMatchingPublicKey(secretKey);
      await hasMatchingPublicKey(secretKey);
      expect(importKey).toHaveBeenCalledTimes(2);
    } finally {
      importKey.mockRestore();
    }
  });
});

describe("parseSecretKey", () => {
  it.each([
    { secret: SECRET_KEY_ONE, shown: PUBLIC_KEY_ONE },
    { secret: SECRET_KEY_TWO, shown: PUBLIC_KEY_TWO },
  ])("reads the key whose public half is $shown", async ({ secret, shown }) => {
    const secretKey = valueOf(parseSecretKey(secret));
    expect(formatPublicKey(publicKeyOf(secretKey))).toBe(shown);
    expect(await hasMatchingPublicKey(secretKey)).toBe(true);
  });

  it("never quotes what it refuses", () => {
    const secret = SECRET_KEY_ONE.slice(0, -3);
    const error = errorOf(parseSecretKey(secret));
    expect(error).not.toContain(secret.slice(20, 30));
    expect(error).toMatch(/^is not /);
  });

  it.each([
    { what: "a public key", text: PUBLIC_KEY_ONE },
    { what: "no name", text: SECRET_KEY_ONE.slice(SECRET_KEY_ONE.indexOf(":")) },
    { what: "the key alone", text: SECRET_KEY_ONE.slice(SECRET_KEY_ONE.indexOf(":") + 1) },
    { what: "a line break", text: `${SECRET_KEY_ONE}\n` },
    { what: "nothing", text: "" },
  ])("refuses $what", ({ text }) => {
    expect(parseSecretKey(text).ok).toBe(false);
  });
});

describe("hasMatchingPublicKey", () => {
  it("fails for halves of two keys", async () => {
    const { name, seed } = valueOf(parseSecretKey(SECRET_KEY_ONE));
    const { publicKey } = valueOf(parseSecretKey(SECRET_KEY_TWO));
    const glued = { name, seed, publicKey: { name, bytes: publicKey.bytes } };
    expect(await hasMatchingPublicKey(glued)).toBe(false);
  });
});

describe("parsePublicKey", () => {
  it.each([PUBLIC_KEY_ONE, PUBLIC_KEY_TWO, CACHE_NIXOS_ORG_KEY])("reads %s", (text) => {
    expect(formatPublicKey(valueOf(parsePublicKey(text)))).toBe(text);
  });

  it.each([
    { what: "a secret key", text: SECRET_KEY_ONE },
    { what: "two keys", text: `${PUBLIC_KEY_ONE} ${PUBLIC_KEY_TWO}` },
    { what: "a name with a space", text: PUBLIC_KEY_ONE.replace("nargate-", "nargate ") },
    { what: "a name with a control character", text: PUBLIC_KEY_ONE.replace("nargate-", "\x01") },
    { what: "base64 without its padding", text: PUBLIC_KEY_ONE.replace("=", "") },
  ])("refuses $what", ({ text }) => {
    expect(parsePublicKey(text).ok).toBe(false);
  });
});

describe("parseSignature", () => {
  it("reads what formatSignature writes", () => {
    const name = fc.string({ minLength: 1 }).filter(isKeyName);
    const bytes = fc.uint8Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(name, bytes, (keyName, raw) => {
        const signature = { keyName, bytes: new Uint8Array(raw) };
        expect(valueOf(parseSignature(formatSignature(signature)))).toEqual(signature);
      }),
    );
  });

  it.each([
    { what: "nothing", text: "" },
    { what: "no colon", text: ZEROS },
    { what: "no key name", text: `:${ZEROS}` },
    { what: "a key name with a space", text: `a b:${ZEROS}` },
    { what: "a second colon", text: `a:b:${ZEROS}` },
    { what: "too few bytes", text: "a:AAAA" },
    { what: "too many bytes", text: `a:AAAA${ZEROS}` },
    { what: "no padding", text: `a:${ZEROS.replace("==", "")}` },
    { what: "something behind it", text: `a:${ZEROS} ` },
  ])("refuses $what", ({ text }) => {
    expect(parseSignature(text).ok).toBe(false);
  });
});

describe("generateSecretKey", () => {
  it("makes keys of Nix's format, whose halves belong together", async () => {
    const text = await generateSecretKey("cache.example.org-1");
    const secretKey = valueOf(parseSecretKey(text));
    expect(secretKey.name).toBe("cache.example.org-1");
    expect(await hasMatchingPublicKey(secretKey)).toBe(true);
  });

  it("makes a new key each time", async () => {
    expect(await generateSecretKey("a")).not.toBe(await generateSecretKey("a"));
  });

  it.each(["", "a:b", "a b", "a\n"])("throws on the name %j", async (name) => {
    await expect(generateSecretKey(name)).rejects.toThrow(TypeError);
  });
});
