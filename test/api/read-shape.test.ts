import { number, object, string } from "valibot";
import { describe, expect, it } from "vitest";
import { gatewayFactsSchema } from "../../src/api/answers.ts";
import { startUploadSchema } from "../../src/api/direct-uploads.ts";
import { readShape } from "../../src/api/read-shape.ts";

const FACTS = {
  version: "0.1.0",
  storeDir: "/nix/store",
  priority: 41,
  access: "public",
  publicKeys: [],
  uploads: true,
  partSizeThreshold: 1,
};

describe("readShape", () => {
  it("gives the value, and leaves out fields that the schema does not know", () => {
    const schema = object({ name: string() });
    expect(readShape(schema, { name: "x", newer: 1 })).toEqual({ ok: true, value: { name: "x" } });
  });

  it.each([
    { what: "a missing field", value: { ...FACTS, storeDir: undefined }, error: "storeDir" },
    { what: "a wrong type", value: { ...FACTS, priority: "secret" }, error: "priority" },
    { what: "a wrong choice", value: { ...FACTS, access: "secret" }, error: "access" },
    {
      what: "an item of a list",
      value: { ...FACTS, publicKeys: ["secret"] },
      error: "publicKeys.0",
    },
    { what: "no object", value: "secret", error: "the body" },
    { what: "nothing", value: undefined, error: "the body" },
  ])("names the place of $what, and never quotes the value", ({ value, error }) => {
    const shape = readShape(gatewayFactsSchema, value);
    expect(shape.ok ? "accepted" : shape.error).toMatch(new RegExp(`^${error} is `));
    expect(JSON.stringify(shape)).not.toContain("secret");
    expect(JSON.stringify(shape)).not.toContain("Invalid");
  });

  it("says of each field of a request what it must be", () => {
    const request = { fileHash: "x", extension: "", size: 1 };
    expect(readShape(startUploadSchema, request)).toEqual({
      ok: false,
      error: "fileHash is not 52 digits of nix32",
    });
    expect(readShape(object({ size: number() }), { size: "7" })).toEqual({
      ok: false,
      error: "size is not number",
    });
  });
});
