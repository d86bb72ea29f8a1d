import { isLoopback } from "../../src/http/secure-url.ts";
import { NO_SIGNING_KEY } from "../../src/settings/push-settings.ts";
import { parseSettings, type Setting } from "../../src/settings/settings.ts";
import { hasMatchingPublicKey, parseSecretKey } from "../../src/nix/signature.ts";

/** Placeholders for secrets that are stored at Cloudflare, which does not reveal their values. */
const STORED_ALREADY = { B2_KEY_ID: "stored", B2_APPLICATION_KEY: "stored" };

const SECRETS: readonly Setting[] = ["B2_KEY_ID", "B2_APPLICATION_KEY", "TOKENS", "SIGNING_KEY"];

/**
 * Returns every problem in the settings that would break the deployment, one line
 * each. No line contains a setting's value. `secrets` is `undefined` if the secrets
 * are stored at Cloudflare already. `exports` are the names in [exports] of wrangler.toml.
 */
export async function deployProblems(
  vars: Readonly<Record<string, unknown>>,
  secrets: Readonly<Record<string, string>> | undefined,
  exports: readonly string[] = ["Catalog"],
): Promise<string[]> {
  const misplaced = SECRETS.filter((name) => vars[name] !== undefined);
  if (misplaced.length > 0) {
    return misplaced.map(
      (name) =>
        `${name} is a secret: remove it from wrangler.toml, and pass it with --secrets-file`,
    );
  }
  // A private cache needs TOKENS for every read. If the secrets are stored at
  // Cloudflare, assume that TOKENS is among them.
  const assumed = {
    ...STORED_ALREADY,
    ...(vars["READ_ACCESS"] === "token" ? { TOKENS: ASSUMED_TOKENS } : {}),
  };
  const { reads, pushes, catalog } = parseSettings({ ...vars, ...(secrets ?? assumed) });
  const problems = new Set(
    [...(reads.ok ? [] : reads.error), ...(pushes.ok ? [] : pushes.error)].map(
      ({ setting, problem }) => `${setting} ${problem}`,
    ),
  );
  if (reads.ok && isLoopback(new URL(reads.value.bucket.endpoint).hostname)) {
    problems.add("B2_ENDPOINT is an address of this machine, which Cloudflare cannot reach");
  }
  if (catalog.isOn && !exports.includes("Catalog")) {
    problems.add(
      'CATALOG is on, but wrangler.toml has no [exports.Catalog]: add the lines [exports.Catalog], type = "durable-object" and storage = "sqlite"',
    );
  }
  // Left out by accident, nobody could pull what is pushed, and no tool at the pusher's
  // side would fail.
  if (secrets !== undefined && (secrets["SIGNING_KEY"] ?? "").trim() === "") {
    problems.add(
      `SIGNING_KEY is not set: clients accept only signed paths. Make a key with \`./nargate key create NAME\`. If everyone who pushes signs, set it to ${NO_SIGNING_KEY}`,
    );
  }
  const signingKey = parseSecretKey(secrets?.["SIGNING_KEY"]?.trim() ?? "");
  if (signingKey.ok && !(await hasMatchingPublicKey(signingKey.value))) {
    problems.add("SIGNING_KEY is damaged: its public half does not belong to its secret half");
  }
  return [...problems];
}

const ASSUMED_TOKENS = JSON.stringify([
  { name: "stored", sha256: "0".repeat(64), scopes: ["read"] },
]);
