import { UsageError } from "../../src/client/client-error.ts";
import type { ProcessContext } from "../../src/client/process-context.ts";
import { readGivenFile } from "../../src/client/read-given-file.ts";
import { ok, err, type Result } from "../../src/result.ts";
import { NO_SIGNING_KEY } from "../../src/settings/push-settings.ts";
import { parsePublicKeys } from "../../src/settings/read-settings.ts";
import type { Asker } from "./asker.ts";
import { isHostName, type InitFlags } from "./init-flags.ts";
import type { CacheInBucket } from "./look-at-cache.ts";
import type { PresentState } from "./present-state.ts";

export interface CacheAnswers {
  /** The domain name of the cache. Undefined for a name on workers.dev. */
  readonly host: string | undefined;
  /** `new`, `none`, the text of a secret key, or undefined to keep the present one. */
  readonly signingKey: string | undefined;
  /** Further public keys, in Nix's format. */
  readonly publicKeys: readonly string[];
}

/** Finds out the name of the cache and its keys. Throws `UsageError`. */
export async function askCache(
  flags: InitFlags,
  present: PresentState,
  cache: CacheInBucket,
  asker: Asker,
  context: ProcessContext,
): Promise<CacheAnswers> {
  const host = await findHost(flags, present, asker);
  const signingKey = await findSigningKey(flags, present, asker, context);
  const publicKeys = await findPublicKeys(flags, present, cache, asker);
  asker.requireAnswers();
  if (signingKey === NO_SIGNING_KEY && publicKeys.length === 0) {
    throw new UsageError(
      "without a signing key of the gateway, give the public key of those who sign: --public-key KEY",
    );
  }
  return { host, signingKey, publicKeys };
}

async function findHost(
  { host, target }: InitFlags,
  { config }: PresentState,
  asker: Asker,
): Promise<string | undefined> {
  const known = host ?? config.hosts[0];
  if (known !== undefined || target === "local") return known;
  const answer = await asker.ask({
    message: "Domain name of the cache (empty: a name on workers.dev)",
    flag: "--host",
    suggestion: "",
    parse: (text) =>
      text === "" || isHostName(text)
        ? ok(text)
        : err("must be a domain name, such as cache.example.org"),
  });
  return answer === "" ? undefined : answer;
}

async function findSigningKey(
  flags: InitFlags,
  { secrets }: PresentState,
  asker: Asker,
  context: ProcessContext,
): Promise<string | undefined> {
  const isKnown = (secrets["SIGNING_KEY"] ?? "") !== "";
  if (flags.signingKey === undefined && isKnown) return undefined;
  const choice =
    flags.signingKey ??
    (await asker.ask({
      message: "Signing key of the gateway: new, none, or the file of a secret key",
      flag: "--signing-key",
      suggestion: "new",
      parse: ok,
    }));
  if (choice === "new" || choice === NO_SIGNING_KEY) return choice;
  return await readGivenFile("--signing-key", choice, context);
}

async function findPublicKeys(
  flags: InitFlags,
  { config }: PresentState,
  { sample }: CacheInBucket,
  asker: Asker,
): Promise<readonly string[]> {
  const known = words(config.vars["PUBLIC_KEYS"] ?? "");
  const given = parseKeys(flags.publicKeys.join(" "));
  if (!given.ok) throw new UsageError(`--public-key: ${given.error}`);
  const keys = [...new Set([...known, ...words(given.value)])];
  const unknown = unknownSigners(sample.keyNames, keys);
  if (unknown.length === 0) return keys;
  const answer = await asker.ask({
    message: `Public keys of ${unknown.join(", ")}, which signed paths there (empty: none)`,
    flag: "--public-key",
    suggestion: "",
    parse: parseKeys,
  });
  return [...keys, ...words(answer)];
}

/** Returns the key names that signed paths, and that clients would not trust. */
export function unknownSigners(
  keyNames: readonly string[],
  publicKeys: readonly string[],
): readonly string[] {
  const trusted = new Set(["cache.nixos.org-1", ...publicKeys.map((key) => key.split(":", 1)[0])]);
  return keyNames.filter((name) => !trusted.has(name));
}

function parseKeys(text: string): Result<string> {
  if (text.trim() === "") return ok("");
  const keys = parsePublicKeys(text.trim());
  return keys.ok ? ok(text.trim()) : keys;
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
