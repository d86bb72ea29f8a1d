import { parseSettings, type Setting } from "../../src/settings/settings.ts";
import { hasMatchingPublicKey, parseSecretKey } from "../../src/nix/signature.ts";

/** What stands for secrets that are stored at Cloudflare, where nobody can read them. */
const STORED_ALREADY = { B2_KEY_ID: "stored", B2_APPLICATION_KEY: "stored" };

const SECRETS: readonly Setting[] = ["B2_KEY_ID", "B2_APPLICATION_KEY", "TOKENS", "SIGNING_KEY"];

/**
 * Everything that would keep a deployment from working, a line each, without
 * any value. `secrets` is `undefined` when they are stored at Cloudflare.
 */
export async function deployProblems(
  vars: Readonly<Record<string, unknown>>,
  secrets: Readonly<Record<string, string>> | undefined,
): Promise<string[]> {
  const misplaced = SECRETS.filter((name) => vars[name] !== undefined);
  if (misplaced.length > 0) {
    return misplaced.map((name) => `${name} is a secret: take it out of wrangler.toml`);
  }
  // A private cache needs TOKENS to be read at all; stored ones get the benefit of the doubt.
  const assumed = {
    ...STORED_ALREADY,
    ...(vars["READ_ACCESS"] === "token" ? { TOKENS: ASSUMED_TOKENS } : {}),
  };
  const { reads, pushes } = parseSettings({ ...vars, ...(secrets ?? assumed) });
  const problems = new Set(
    [...(reads.ok ? [] : reads.error), ...(pushes.ok ? [] : pushes.error)].map(
      ({ setting, problem }) => `${setting} ${problem}`,
    ),
  );
  const signingKey = parseSecretKey(secrets?.["SIGNING_KEY"]?.trim() ?? "");
  if (signingKey.ok && !(await hasMatchingPublicKey(signingKey.value))) {
    problems.add("SIGNING_KEY has a public half that is not its own");
  }
  return [...problems];
}

const ASSUMED_TOKENS = JSON.stringify([
  { name: "stored", sha256: "0".repeat(64), scopes: ["read"] },
]);
