import { describe, expect, it } from "vitest";
import { generateToken } from "../../src/api/tokens.ts";

describe("generateToken", () => {
  it("makes 256 random bits in nix32, which no two tokens share", () => {
    const tokens = Array.from({ length: 50 }, generateToken);
    for (const token of tokens) expect(token).toMatch(/^nargate_[0-9a-df-np-sv-z]{52}$/);
    expect(new Set(tokens).size).toBe(50);
  });
});
