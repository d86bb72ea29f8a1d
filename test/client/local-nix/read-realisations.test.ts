import { describe, expect, it } from "vitest";
import { parseRealisations } from "../../../src/client/local-nix/read-realisations.ts";

const ID = `sha256:${"1".repeat(64)}!out`;
const OUT_PATH = "0123456789abcdfghijklmnpqrsvwxyz-thing";
const DRV = "1123456789abcdfghijklmnpqrsvwxyz-thing.drv";
const OLD = { id: ID, outPath: OUT_PATH, signatures: [], dependentRealisations: {} };
const NEW = {
  key: { drvPath: DRV, outputName: "out" },
  value: { outPath: OUT_PATH, signatures: [] },
};

const targetsOf = (value: unknown) =>
  parseRealisations(JSON.stringify(value)).map(({ kind, target }) => [kind, target]);

describe("parseRealisations", () => {
  it("reads the form of Nix 2.4 to 2.34", () => {
    expect(targetsOf([OLD])).toEqual([["realisation", `realisations/${ID}.doi`]]);
  });

  it("reads the form since Nix 2.35", () => {
    const target = `build-trace-v2/${DRV}/out.doi`;
    expect(targetsOf([NEW])).toEqual([["build-trace", target]]);
    const whole = { ...NEW, key: { ...NEW.key, drvPath: `/nix/store/${DRV}` } };
    expect(targetsOf([whole])).toEqual([["build-trace", target]]);
  });

  it("leaves out what is no realisation", () => {
    const opaque = { opaquePath: `/nix/store/${OUT_PATH}` };
    expect(targetsOf([opaque, OLD])).toHaveLength(1);
    for (const other of [{}, null, "x", 5]) expect(targetsOf([other])).toEqual([]);
    expect(parseRealisations("no JSON")).toEqual([]);
    expect(targetsOf({})).toEqual([]);
    const escaping = { ...NEW, key: { drvPath: DRV, outputName: "../../secret" } };
    expect(targetsOf([escaping])).toEqual([]);
  });
});
