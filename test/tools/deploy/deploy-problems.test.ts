import { describe, expect, it } from "vitest";
import { deployProblems } from "../../../tools/deploy/deploy-problems.ts";
import { generateSecretKey } from "../../../src/nix/signature.ts";

const VARS = {
  B2_ENDPOINT: "https://s3.us-east-005.backblazeb2.com",
  B2_REGION: "us-east-005",
  B2_BUCKET: "ai-dev-env",
  B2_PREFIX: "nix/cache/",
};
const SECRETS = { B2_KEY_ID: "005", B2_APPLICATION_KEY: "K005", TOKENS: "[]" };

describe("deployProblems", () => {
  it.each([
    { what: "secrets from a file", secrets: SECRETS },
    { what: "secrets that are stored already", secrets: undefined },
  ])("finds nothing wrong with good settings and $what", async ({ secrets }) => {
    expect(await deployProblems(VARS, secrets)).toEqual([]);
  });

  it("takes stored tokens for granted in a private cache", async () => {
    expect(await deployProblems({ ...VARS, READ_ACCESS: "token" }, undefined)).toEqual([]);
  });

  it("names every setting that is wrong, once and without its value", async () => {
    const problems = await deployProblems(
      { ...VARS, B2_ENDPOINT: "wrong-endpoint", PRIORITY: "first", TRUSTED_PUBLIC_KEY: "typo" },
      { ...SECRETS, B2_KEY_ID: "", TOKENS: "wrong-tokens" },
    );
    expect(problems.map((problem) => problem.split(" ")[0]).toSorted()).toEqual([
      "B2_ENDPOINT",
      "B2_KEY_ID",
      "PRIORITY",
      "TOKENS",
      "TRUSTED_PUBLIC_KEY",
    ]);
    expect(problems.join()).not.toMatch(/wrong-endpoint|first|typo|wrong-tokens/);
  });

  it("refuses a secret that stands among the public settings", async () => {
    const problems = await deployProblems({ ...VARS, SIGNING_KEY: "x" }, SECRETS);
    expect(problems).toEqual([
      "SIGNING_KEY is a secret: remove it from wrangler.toml, and pass it with --secrets-file",
    ]);
  });

  it("refuses a signing key whose halves do not belong together", async () => {
    const [one, other] = [await generateSecretKey("a"), await generateSecretKey("a")];
    const halves = [one, other].map((key) => Buffer.from(key.split(":")[1] ?? "", "base64"));
    const glued = Buffer.concat([halves[0]?.subarray(0, 32), halves[1]?.subarray(32)] as Buffer[]);
    const problems = await deployProblems(VARS, {
      ...SECRETS,
      SIGNING_KEY: `a:${glued.toString("base64")}`,
    });
    expect(problems).toEqual([
      "SIGNING_KEY is damaged: its public half does not belong to its secret half",
    ]);
  });
});
