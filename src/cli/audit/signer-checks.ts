import type { AuditRules } from "../../client/audit/judge-narinfo.ts";
import { ClientError, UsageError } from "../../client/client-error.ts";
import type { OpenCache } from "../../client/gateway/open-cache.ts";
import type { StoredPaths } from "../../client/audit/stored-paths.ts";
import { readTokenFacts } from "../../client/gateway/token-facts.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { hasScope } from "../../api/tokens.ts";
import { equalFingerprints } from "../../nix/fingerprint.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { formatPublicKey, publicKeyOf, type SecretKey } from "../../nix/signature.ts";

/**
 * Throws if the token has not the scope `admin`. For signing a push would be enough for the
 * gateway: the scope is asked for because signing vouches for paths that others have pushed.
 */
export async function requireAdmin(
  { firstContact, token }: OpenCache,
  work: "signing" | "a repair",
): Promise<void> {
  if (token === undefined) {
    throw new UsageError(
      `${work} needs a token with the scope admin: use --token-file, NARGATE_TOKEN or a netrc file`,
    );
  }
  const facts = await readTokenFacts(firstContact);
  if (hasScope(facts, "admin")) return;
  throw new ClientError(
    `the token ${facts.name} (from ${token.source}) has the scope ${facts.scopes.join(", ") || "none"}, and ${work} needs admin. The operator makes one with: nargate token create NAME --scope admin`,
  );
}

/**
 * Warns if clients of the cache do not know the key: the signatures would not help them.
 * Nix keeps one key of each name (`trusted-public-keys`), so a new key needs a new name.
 */
export function warnIfUnpublished(
  key: SecretKey,
  { keys }: AuditRules,
  { stderr }: ProcessContext,
): void {
  const publicKey = formatPublicKey(publicKeyOf(key));
  if (keys.some((known) => formatPublicKey(known) === publicKey)) return;
  if (keys.some(({ name }) => name === key.name)) {
    stderr.write(
      `nargate: warning: the cache publishes another key of the name ${key.name}: clients use only one key of a name, so they will not accept these signatures\n`,
    );
    return;
  }
  stderr.write(
    `nargate: warning: the cache does not publish the key ${key.name}. Clients accept its signatures only if they trust ${publicKey}. Add it to PUBLIC_KEYS of the gateway\n`,
  );
}

/**
 * Throws unless the cache shows a path as the bucket has it. B2_* and --to can name two
 * different caches by mistake, and the narinfos of one must not be sent to the other.
 */
export async function requireSameBucket(
  hash: StorePathHash,
  paths: Pick<StoredPaths, "read">,
  { client }: Pick<OpenCache, "client">,
  { storeDir }: AuditRules,
): Promise<void> {
  const [stored, shown] = await Promise.all([
    paths.read(hash),
    client.readNarinfo(hash, storeDir, true),
  ]);
  // Deleted since the audit, or stored in a compression: what follows fails with its own reason.
  if (stored === undefined || stored === "unreadable" || shown === "unreadable") return;
  if (shown !== undefined && equalFingerprints(stored, shown)) return;
  throw new ClientError(
    `${client.url} does not show the paths of this bucket (${hash} is ${shown === undefined ? "missing" : "another path"} there). Check B2_BUCKET, B2_PREFIX and --to`,
  );
}
