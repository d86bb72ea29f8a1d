import { describe, expect, it } from "vitest";
import { makeThrowAwayPath } from "../../../src/cli/doctor/throw-away-path.ts";
import { parseNarinfo } from "../../../src/nix/narinfo.ts";
import { valueOf } from "../../../testkit/value-of.ts";

describe("makeThrowAwayPath", () => {
  it("makes what Nix makes of the same text", async () => {
    const path = await makeThrowAwayPath("/nix/store", new Date("2026-11-22T10:00:00Z"));
    // nix-instantiate --eval -E 'builtins.toFile "nargate-doctor" "nargate doctor, 2026-11-22\n"'
    expect(path.storePath).toBe("/nix/store/x7p8kzwr6249ph8mvql8c2fnrd2dgczj-nargate-doctor");
    // nix-store --dump of it, by nix-hash --type sha256 --base32 --flat
    expect(path.narUrl).toBe("nar/1km54kbgqlfylbifhz7b37jn2l5vvp9qck843dfk6fdqvmn0nd8c.nar");
  });

  it("makes one path a day, by UTC", async () => {
    const times = ["2026-11-22T00:00:00Z", "2026-11-22T23:59:59Z", "2026-11-22T23:59:59-01:00"];
    const [morning, night, nextDay] = await Promise.all(
      times.map((time) => makeThrowAwayPath("/nix/store", new Date(time))),
    );
    expect(night).toEqual(morning);
    expect(nextDay?.hash).not.toBe(morning?.hash);
  });

  it("writes a narinfo that holds together", async () => {
    const { narinfo, nar, storePath } = await makeThrowAwayPath("/gnu/store", new Date());
    expect(storePath).toMatch(/^\/gnu\/store\//);
    const parsed = valueOf(parseNarinfo(narinfo, "/gnu/store"));
    expect(parsed).toMatchObject({ compression: "none", fileSize: nar.byteLength, references: [] });
    expect(parsed.fileHash).toEqual(parsed.narHash);
  });
});
