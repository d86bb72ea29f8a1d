import { describe, expect, it } from "vitest";
import { makeThrowAwayPath } from "../../../src/cli/doctor/throw-away-path.ts";
import { parseNarinfo } from "../../../src/nix/narinfo.ts";
import { valueOf } from "../../../testkit/value-of.ts";

describe("makeThrowAwayPath", () => {
  it("makes what Nix makes of the same text, where it is content-addressed", async () => {
    const path = await makeThrowAwayPath("/nix/store", "content-addressed");
    // nix-instantiate --eval -E 'builtins.toFile "nargate-doctor" "nargate doctor\\n"'
    expect(path.storePath).toBe("/nix/store/8dc3dz2xylz4g8bv9qvpnnhhcv17rpnx-nargate-doctor");
    // nix-store --dump of it, by nix-hash --type sha256 --base32 --flat
    expect(path.narUrl).toBe("nar/1m1qh60kyziaa41rspy01rvjqv8pa23m27x10gqrbjb2xzcrdywx.nar");
    expect(path.narinfo).toContain("\nCA: text:sha256:");
  });

  it("makes always the same path, which only a signature makes acceptable", async () => {
    const path = await makeThrowAwayPath("/nix/store");
    expect(await makeThrowAwayPath("/nix/store")).toEqual(path);
    expect(path.storePath).toMatch(/^\/nix\/store\/[0-9a-z]{32}-nargate-doctor$/);
    expect(path.narinfo).not.toContain("CA:");
    const other = await makeThrowAwayPath("/nix/store", "content-addressed");
    expect(other.hash).not.toBe(path.hash);
    expect(other.narUrl).toBe(path.narUrl);
  });

  it("writes a narinfo that holds together", async () => {
    const { narinfo, nar, storePath } = await makeThrowAwayPath("/gnu/store");
    expect(storePath).toMatch(/^\/gnu\/store\//);
    const parsed = valueOf(parseNarinfo(narinfo, "/gnu/store"));
    expect(parsed).toMatchObject({ compression: "none", fileSize: nar.byteLength, references: [] });
    expect(parsed.fileHash).toEqual(parsed.narHash);
  });
});
