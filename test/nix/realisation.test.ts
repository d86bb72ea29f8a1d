import { describe, expect, it } from "vitest";
import {
  buildTraceFingerprint,
  formatRealisation,
  mergeRealisation,
  parseBuildTraceEntry,
  parseRealisation,
  realisationFingerprint,
} from "../../src/nix/realisation.ts";
import {
  parsePublicKey,
  parseSecretKey,
  parseSignature,
  signMessage,
  verifySignature,
} from "../../src/nix/signature.ts";
import { parseStorePathBaseName } from "../../src/nix/store-path.ts";
import { PUBLIC_KEY_ONE } from "./data/keys.ts";
import {
  BUILD_TRACE_KEY,
  BUILD_TRACE_SECRET_KEY,
  BUILD_TRACE_SIGNED,
  BUILD_TRACE_SIMPLE,
  BUILD_TRACE_SIMPLE_FINGERPRINT,
  BUILD_TRACE_SIMPLE_SIGNATURE,
  REALISATION_DOC,
  REALISATION_SIGNED,
  REALISATION_UNSIGNED,
} from "./data/realisations.ts";
import { errorOf, valueOf } from "../../testkit/value-of.ts";

const ZEROS = `${"A".repeat(86)}==`;

describe("parseRealisation", () => {
  it.each([REALISATION_SIGNED, REALISATION_UNSIGNED, REALISATION_DOC])(
    "reads %s, and formatRealisation gives it back",
    (text) => {
      expect(formatRealisation(valueOf(parseRealisation(text)))).toBe(text);
    },
  );

  it("reads what it says", () => {
    const realisation = valueOf(parseRealisation(REALISATION_SIGNED));
    expect(realisation.id).toMatch(/^sha256:a5469b.*!out$/);
    expect(realisation.outPath.name).toBe("signed-user");
    expect([...realisation.dependentRealisations.values()]).toEqual([
      "s7nb52xq117n3514379dr7593f06h00f-signed-self",
    ]);
    expect(realisation.signatures).toHaveLength(1);
  });

  it("keeps unknown fields", () => {
    const text = REALISATION_UNSIGNED.replace("{", '{"aNewField":{"b":[1,null]},');
    expect(formatRealisation(valueOf(parseRealisation(text)))).toBe(text);
  });

  it("takes missing signatures and dependencies for none", () => {
    const { id } = valueOf(parseRealisation(REALISATION_UNSIGNED));
    const text = JSON.stringify({ id, outPath: "z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep" });
    expect(formatRealisation(valueOf(parseRealisation(text)))).toBe(REALISATION_UNSIGNED);
  });

  it.each([
    { what: "no JSON", from: /^\{/, to: "", error: "it is not JSON" },
    { what: "an array", from: /^.*$/, to: "[]", error: "it is not a JSON object" },
    { what: "null", from: /^.*$/, to: "null", error: "it is not a JSON object" },
    { what: "no id", from: '"id"', to: '"di"', error: "id is wrong" },
    { what: "a number as id", from: /"id":"[^"]*"/, to: '"id":1', error: "id is wrong" },
    {
      what: "a dependency by its full path",
      from: '"s7nb',
      to: '"/nix/store/s7nb',
      error: "dependentRealisations",
    },
    {
      what: "a number as dependency",
      from: /"s7nb[^"]*"/,
      to: "1",
      error: "dependentRealisations",
    },
    { what: "a full outPath", from: "syx3p5", to: "/nix/store/syx3p5", error: "outPath is wrong" },
    { what: "a bad dependency", from: '{"sha256', to: '{"sha1', error: "dependentRealisations" },
    {
      what: "dependencies in an array",
      from: /\{"sha256[^}]*\}/,
      to: "[]",
      error: "the dependentRealisations field is not an object",
    },
    {
      what: "signatures that are none",
      from: "nargate-test-1:EA",
      to: "EA",
      error: "the signatures field holds a value that is not a signature",
    },
    {
      what: "signatures as text",
      from: /\["nargate[^\]]*\]/,
      to: '"x"',
      error: "the signatures field is not an array",
    },
    {
      what: "a number among the signatures",
      from: /\["nargate[^\]]*\]/,
      to: "[1]",
      error: "the signatures field holds a value that is not a signature",
    },
    {
      what: "null among the signatures",
      from: /\["nargate[^\]]*\]/,
      to: "[null]",
      error: "the signatures field holds a value that is not a signature",
    },
    {
      what: "an empty object among the signatures",
      from: /\["nargate[^\]]*\]/,
      to: "[{}]",
      error: "the signatures field holds a value that is not a signature",
    },
  ])("refuses $what", ({ from, to, error }) => {
    const text = REALISATION_SIGNED.replace(from, to);
    expect(text).not.toBe(REALISATION_SIGNED);
    expect(errorOf(parseRealisation(text))).toContain(error);
  });

  it("writes signatures as text, even those it read as objects", () => {
    const text = REALISATION_UNSIGNED.replace("[]", `[{"keyName":"asdf","sig":"${ZEROS}"}]`);
    expect(formatRealisation(valueOf(parseRealisation(text)))).toBe(
      REALISATION_UNSIGNED.replace("[]", `["asdf:${ZEROS}"]`),
    );
  });
});

describe("parseBuildTraceEntry", () => {
  it.each([BUILD_TRACE_SIMPLE, BUILD_TRACE_SIGNED])(
    "reads %s, and formatRealisation gives it back",
    (text) => {
      expect(formatRealisation(valueOf(parseBuildTraceEntry(text)))).toBe(text);
    },
  );

  it("reads signatures as text, as Nix does, and writes objects", () => {
    const text = BUILD_TRACE_SIGNED.replace(/\[.*\]/, `["asdf:${ZEROS}"]`);
    expect(formatRealisation(valueOf(parseBuildTraceEntry(text)))).toBe(BUILD_TRACE_SIGNED);
  });

  it("refuses what is no JSON", () => {
    expect(errorOf(parseBuildTraceEntry("<html>"))).toBe("it is not JSON");
  });

  it("refuses an entry without its path", () => {
    expect(errorOf(parseBuildTraceEntry('{"signatures":[]}'))).toContain("outPath");
  });
});

describe("realisationFingerprint", () => {
  it("is what Nix 2.8 signed", async () => {
    const realisation = valueOf(parseRealisation(REALISATION_SIGNED));
    const signature = valueOf(parseSignature(realisation.signatures[0] ?? ""));
    const publicKey = valueOf(parsePublicKey(PUBLIC_KEY_ONE));
    const verify = (message: string) => verifySignature(publicKey, message, signature);
    expect(await verify(realisationFingerprint(realisation))).toBe(true);
    const without = { ...realisation, dependentRealisations: new Map<string, string>() };
    expect(await verify(realisationFingerprint(without))).toBe(false);
  });

  it("leaves out fields that Nix does not know", () => {
    const text = REALISATION_UNSIGNED.replace("{", '{"aNewField":1,');
    const [known, unknown] = [REALISATION_UNSIGNED, text].map((json) =>
      realisationFingerprint(valueOf(parseRealisation(json))),
    );
    expect(unknown).toBe(known);
  });
});

describe("buildTraceFingerprint", () => {
  it("is what Nix 2.36 signs", async () => {
    const drvPath = valueOf(parseStorePathBaseName(BUILD_TRACE_KEY.drvPath));
    const fingerprint = buildTraceFingerprint(
      { drvPath, outputName: BUILD_TRACE_KEY.outputName },
      valueOf(parseBuildTraceEntry(BUILD_TRACE_SIMPLE)),
    );
    expect(fingerprint).toBe(BUILD_TRACE_SIMPLE_FINGERPRINT);
    const secretKey = valueOf(parseSecretKey(BUILD_TRACE_SECRET_KEY));
    expect(await signMessage(secretKey, fingerprint)).toBe(BUILD_TRACE_SIMPLE_SIGNATURE);
  });
});

describe("mergeRealisation", () => {
  const signed = valueOf(parseRealisation(REALISATION_SIGNED));

  it("joins the signatures of the same outcome", () => {
    const incoming = { ...signed, signatures: [`other-1:${ZEROS}`] };
    const merged = valueOf(mergeRealisation(signed, incoming));
    expect(merged).toEqual({
      ...signed,
      signatures: [...signed.signatures, ...incoming.signatures],
    });
  });

  it("joins those of build trace entries", () => {
    const simple = valueOf(parseBuildTraceEntry(BUILD_TRACE_SIMPLE));
    const incoming = { ...simple, signatures: [`asdf:${ZEROS}`] };
    expect(valueOf(mergeRealisation(simple, incoming)).signatures).toEqual(incoming.signatures);
  });

  it("takes missing dependencies for no contradiction", () => {
    const incoming = { ...signed, dependentRealisations: new Map<string, string>() };
    expect(mergeRealisation(signed, incoming)).toEqual({ ok: true, value: signed });
    expect(mergeRealisation(incoming, signed)).toEqual({ ok: true, value: incoming });
  });

  it.each([
    {
      what: "another output path",
      change: { outPath: valueOf(parseRealisation(REALISATION_UNSIGNED)).outPath },
      error: "another output path",
    },
    {
      what: "another id",
      change: { id: valueOf(parseRealisation(REALISATION_DOC)).id },
      error: "another output",
    },
    {
      what: "other dependencies",
      change: {
        dependentRealisations: new Map([[signed.id, "z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep"]]),
      },
      error: "other dependencies",
    },
  ])("refuses $what", ({ change, error }) => {
    expect(errorOf(mergeRealisation(signed, { ...signed, ...change }))).toContain(error);
  });
});

describe("a realisation that is nested 100,000 levels deep", () => {
  it("is refused, before anything recurses over it", () => {
    const text = `{"id":"x","rest":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(parseRealisation(text)).toEqual({ ok: false, error: "it is nested too deeply" });
    expect(parseBuildTraceEntry(text)).toEqual({ ok: false, error: "it is nested too deeply" });
  });
});
