import { describe, expect, it } from "vitest";
import { deployProblems } from "../../../tools/deploy/deploy-problems.ts";
import { unstable_readConfig } from "wrangler";
import { generateSecretKey } from "../../../src/nix/signature.ts";

const VARS = {
  B2_ENDPOINT: "https://s3.us-east-005.backblazeb2.com",
  B2_REGION: "us-east-005",
  B2_BUCKET: "builds",
  B2_PREFIX: "nix/cache/",
};
const SECRETS = { B2_KEY_ID: "005", B2_APPLICATION_KEY: "K005", TOKENS: "[]", SIGNING_KEY: "none" };

describe("deployProblems", () => {
  it.each([
    { what: "secrets from a file", secrets: SECRETS },
    { what: "secrets that are stored already", secrets: undefined },
  ])("finds nothing wrong with good settings and $what", async ({ secrets }) => {
    expect(await deployProblems(VARS, secrets)).toEqual([]);
  });

  it.each(["http://127.0.0.1:9000", "http://localhost:9000"])(
    "refuses the bucket of a trial, %s",
    async (endpoint) => {
      const problems = await deployProblems({ ...VARS, B2_ENDPOINT: endpoint }, SECRETS);
      expect(problems).toEqual([
        "B2_ENDPOINT is an address of this machine, which Cloudflare cannot reach",
      ]);
    },
  );

  it("says which lines the catalog needs in wrangler.toml", async () => {
    const vars = { ...VARS, CATALOG: "on" };
    expect(await deployProblems(vars, SECRETS, ["default", "Objects", "Catalog"])).toEqual([]);
    expect(await deployProblems(vars, SECRETS, ["default", "Objects"])).toEqual([
      expect.stringMatching(/^CATALOG is on, but wrangler\.toml has no \[exports\.Catalog\]/),
    ]);
    expect(await deployProblems(VARS, SECRETS, [])).toEqual([]);
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

  it("asks for a signing key, or for the word that there is none", async () => {
    const { SIGNING_KEY: _, ...without } = SECRETS;
    for (const secrets of [without, { ...SECRETS, SIGNING_KEY: " " }]) {
      const problems = await deployProblems(VARS, secrets);
      expect(problems).toEqual([expect.stringMatching(/^SIGNING_KEY is not set: .*key create/)]);
    }
  });

  it("names every placeholder of wrangler.toml", async () => {
    const { vars } = unstable_readConfig({ config: "wrangler.toml" }, { hideWarnings: true });
    const problems = await deployProblems(vars, SECRETS);
    const still = "is still the placeholder: put in your own value";
    expect(problems).toEqual(
      ["B2_ENDPOINT", "B2_REGION", "B2_BUCKET", "PUBLIC_KEYS"].map((name) => `${name} ${still}`),
    );
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
