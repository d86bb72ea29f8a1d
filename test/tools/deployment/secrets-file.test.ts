import { describe, expect, it } from "vitest";
import {
  formatSecrets,
  parseSecrets,
  readSecretsFile,
} from "../../../tools/deployment/secrets-file.ts";

describe("formatSecrets", () => {
  it.each([
    ["plain"],
    ["with $DOLLAR and ${BRACES}"],
    ["with \\n and \\ backslashes"],
    [`[{"name":"ci"}]`],
    ["it's"],
    [`both ' and "`],
    ["# no comment"],
    [" spaces "],
    [""],
  ])("keeps %j", (value) => {
    expect(parseSecrets(formatSecrets({ A: value, B: "b" }))).toEqual({ A: value, B: "b" });
  });

  it.each([["two\nlines"], ["a\rb"], [`' " \``]])(
    "refuses %j, which the format cannot hold",
    (value) => {
      expect(() => formatSecrets({ SIGNING_KEY: value })).toThrow("SIGNING_KEY has a line break");
    },
  );
});

describe("readSecretsFile", () => {
  it("says that a file is not there", async () => {
    await expect(readSecretsFile("/nonexistent/x")).rejects.toThrow(
      "--secrets-file: /nonexistent/x does not exist",
    );
  });
});
