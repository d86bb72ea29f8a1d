import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { authenticate } from "../../../src/worker/access/authenticate.ts";
import type { TokenEntry } from "../../../src/settings/token-entries.ts";
import { sha256Hex } from "../../../testkit/sha256-hex.ts";

const NOW = new Date("2026-11-25T12:00:00Z");
const TOKENS = ["nargate_one", "nargate_two", "nargate_three"];

async function entriesOf(tokens: readonly string[]): Promise<TokenEntry[]> {
  return Promise.all(
    tokens.map(async (token) => ({
      name: `of-${token}`,
      sha256: await sha256Hex(token),
      scopes: ["push"],
    })),
  );
}

describe("authenticate", () => {
  it.each(TOKENS)("finds the entry of %s, wherever it stands", async (token) => {
    const entries = await entriesOf(TOKENS);
    for (const order of [entries, entries.toReversed()]) {
      expect((await authenticate(token, order, NOW))?.name).toBe(`of-${token}`);
    }
  });

  it("never finds a token that is not in the list", async () => {
    const entries = await entriesOf(TOKENS);
    const guesses = fc.oneof(
      fc.string(),
      fc.constantFrom(...TOKENS).map((token) => `${token} `),
      fc.constantFrom(...TOKENS).map((token) => token.slice(1)),
      // The hash is no password.
      fc.constantFrom(...entries.map(({ sha256 }) => sha256)),
    );
    await fc.assert(
      fc.asyncProperty(guesses, async (guess) => {
        fc.pre(!TOKENS.includes(guess));
        expect(await authenticate(guess, entries, NOW)).toBeUndefined();
      }),
    );
  });

  it("compares every digit of the hash", async () => {
    const [entry] = await entriesOf(["nargate_one"]);
    const { sha256 } = entry as TokenEntry;
    for (let index = 0; index < sha256.length; index++) {
      const digit = sha256[index] === "0" ? "1" : "0";
      const near = sha256.slice(0, index) + digit + sha256.slice(index + 1);
      const entries = [{ ...(entry as TokenEntry), sha256: near }];
      expect(await authenticate("nargate_one", entries, NOW)).toBeUndefined();
    }
  });

  it("finds nothing in an empty list", async () => {
    expect(await authenticate("nargate_one", [], NOW)).toBeUndefined();
  });

  it("does not find what has expired", async () => {
    const [entry] = await entriesOf(["nargate_one"]);
    const expired = { ...(entry as TokenEntry), expires: "2026-11-24" };
    expect(await authenticate("nargate_one", [expired], NOW)).toBeUndefined();
    expect(await authenticate("nargate_one", [{ ...expired, expires: "2026-11-25" }], NOW)).toEqual(
      { ...expired, expires: "2026-11-25" },
    );
  });

  it("finds the current one of two entries for the same token", async () => {
    const [entry] = await entriesOf(["nargate_one"]);
    const current = { ...(entry as TokenEntry), name: "current" };
    const expired = { ...current, name: "expired", expires: "2020-01-01" };
    for (const entries of [
      [current, expired],
      [expired, current],
    ]) {
      expect((await authenticate("nargate_one", entries, NOW))?.name).toBe("current");
    }
  });
});
