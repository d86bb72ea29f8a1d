import { describe, expect, it } from "vitest";
import { nixosSettings } from "../../../src/client/use/cache-use.ts";

describe("nixosSettings", () => {
  it("writes texts of the Nix language, whatever is in them", () => {
    const url = 'https://h/"]; x = ${y}; z = [ "\\\\';
    expect(nixosSettings({ url, isPrivate: false, publicKeys: ["k$:v"] })).toBe(
      'nix.settings.extra-substituters = [ "https://h/\\"]; x = \\${y}; z = [ \\"\\\\\\\\" ]; ' +
        'nix.settings.extra-trusted-public-keys = [ "k$:v" ];',
    );
  });
});
