import { describe, expect, it } from "vitest";
import { isHostName, parseInitFlags } from "../../../tools/init/init-flags.ts";

describe("parseInitFlags", () => {
  it("deploys to Cloudflare if nothing is said", () => {
    expect(parseInitFlags([])).toMatchObject({ target: "cloudflare", publicKeys: [] });
  });

  it.each([
    { args: ["--existing", "maybe"], error: "--existing must be yes or no" },
    { args: ["--local", "--no-deploy"], error: "exclude each other" },
    { args: ["--host", "https://cache.example.org"], error: "--host must be a domain name" },
    { args: ["--push-token", "a", "--admin-token", "a"], error: "need different names" },
    { args: ["--push-token", "admin"], error: "need different names" },
    {
      args: ["--application-key-file", "-", "--signing-key", "-"],
      error: "can be standard input",
    },
    { args: ["--application-key", "secret"], error: "Unknown option" },
    { args: ["bucket"], error: "Unexpected argument" },
  ])("refuses $args", ({ args, error }) => {
    expect(() => parseInitFlags(args)).toThrow(error);
  });

  it("knows the help", () => {
    expect(parseInitFlags(["--help"])).toBe("help");
  });
});

describe("isHostName", () => {
  it.each([
    ["cache.example.org", true],
    ["a-b.c-d.xyz", true],
    ["localhost", false],
    ["cache.example.org:443", false],
    ["-a.example.org", false],
    ['a" }]\nx.org', false],
  ])("%j: %s", (text, is) => {
    expect(isHostName(text)).toBe(is);
  });
});
