import { describe, expect, it } from "vitest";
import { formatPublicKey, parseSecretKey, publicKeyOf } from "../../src/nix/signature.ts";
import { valueOf } from "../../testkit/value-of.ts";
import { runNargate } from "../../testkit/node/run-nargate.ts";

const NAME = "cache.example.org-1";

describe("nargate key create", () => {
  it("makes a key whose halves belong together", async () => {
    const { code, stdout, stderr } = await runNargate(["key", "create", NAME]);
    expect([code, stderr]).toEqual([0, ""]);
    const [secret = "", shown = ""] = stdout.match(/cache\.example\.org-1:\S+/g) ?? [];
    const key = valueOf(parseSecretKey(secret));
    expect(key.name).toBe(NAME);
    expect(shown).toBe(formatPublicKey(publicKeyOf(key)));
  });

  it("prints JSON for a program", async () => {
    const { stdout } = await runNargate(["key", "create", NAME, "--json"]);
    const { name, secretKey, publicKey } = JSON.parse(stdout) as Record<string, string>;
    expect(name).toBe(NAME);
    expect(publicKey).toBe(formatPublicKey(publicKeyOf(valueOf(parseSecretKey(secretKey ?? "")))));
  });

  it.each(["a:b", "a b", "", "x".repeat(65)])("refuses '%s' as a name", async (name) => {
    const { code, stdout, stderr } = await runNargate(["key", "create", name]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(
      "nargate: the name of a key has 1 to 64 characters: letters, digits and . _ + -\n",
    );
  });
});
