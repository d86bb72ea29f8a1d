import { createHash } from "node:crypto";
import { generateToken, type Scope } from "../../src/api/tokens.ts";
import { UsageError } from "../../src/client/client-error.ts";
import { addToken, formatTokens } from "../../src/client/token-list.ts";
import {
  formatPublicKey,
  generateSecretKey,
  hasMatchingPublicKey,
  parseSecretKey,
  publicKeyOf,
  type SecretKey,
} from "../../src/nix/signature.ts";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import { NO_SIGNING_KEY } from "../../src/settings/push-settings.ts";
import type { TokenEntry } from "../../src/settings/token-entries.ts";
import type { Secrets } from "../deployment/secrets-file.ts";
import type { PresentState } from "./present-state.ts";

/** The secrets of a deployment after this run, and what the run does to each. */
export interface SecretsPlan {
  readonly secrets: Secrets;
  readonly tokens: readonly TokenEntry[];
  readonly pushToken: string;
  readonly adminToken: string;
  /** The public half of the gateway's key. Undefined if the gateway does not sign. */
  readonly publicKey: string | undefined;
  /** The names of secrets that have another value than before. */
  readonly replaced: readonly string[];
  /** Sentences about what is new and what stays. */
  readonly notes: readonly string[];
}

export interface SecretsRequest {
  readonly bucket: BucketLocation;
  /** `new`, `none`, the text of a secret key, or undefined to keep the present one. */
  readonly signingKey: string | undefined;
  /** The name of a new key. */
  readonly keyName: string;
  readonly pushTokenName: string;
  readonly adminTokenName: string;
  /** YYYY-MM-DD */
  readonly expires: string | undefined;
}

/** Makes what is missing, and keeps what is there. Throws `UsageError`. */
export async function planSecrets(
  present: PresentState,
  request: SecretsRequest,
): Promise<SecretsPlan> {
  const notes: string[] = [];
  const former = present.tokens ?? [];
  if (former.length > 0 && present.secrets["TOKENS"] === undefined) {
    notes.push(
      `The list ${present.files.tokenList} has tokens already (${former.map(({ name }) => name).join(", ")}). They open this cache, too. For a list of its own use --token-list.`,
    );
  }
  const push = planToken(former, present.pushToken, request.pushTokenName, "push", request);
  const admin = planToken(
    push.entries,
    present.adminToken,
    request.adminTokenName,
    "admin",
    request,
  );
  notes.push(push.note, admin.note);
  const signing = await planSigningKey(present.secrets["SIGNING_KEY"] || undefined, request);
  notes.push(signing.note);
  const { keyId, applicationKey } = request.bucket;
  const secrets = {
    ...present.secrets,
    B2_KEY_ID: keyId,
    B2_APPLICATION_KEY: applicationKey,
    TOKENS: formatTokens(admin.entries),
    SIGNING_KEY: signing.secret,
  };
  return {
    secrets,
    tokens: admin.entries,
    pushToken: push.token,
    adminToken: admin.token,
    publicKey: signing.publicKey,
    replaced: Object.entries(secrets)
      .filter(([name, value]) => isReplaced(present.secrets[name], value, name, admin.entries))
      .map(([name]) => name),
    notes,
  };
}

/** Whether a value is lost. A list of tokens that only grew loses nothing. */
function isReplaced(
  before: string | undefined,
  value: string,
  name: string,
  entries: readonly TokenEntry[],
): boolean {
  if (before === undefined || before === "" || before === value) return false;
  if (name !== "TOKENS") return true;
  const kept = new Set(entries.map(({ sha256 }) => sha256));
  return [...before.matchAll(/"sha256":"([0-9a-f]{64})"/g)].some(([, sha]) => !kept.has(sha ?? ""));
}

function planToken(
  entries: readonly TokenEntry[],
  known: string | undefined,
  name: string,
  scope: Scope,
  { expires }: SecretsRequest,
) {
  const sha256 = createHash("sha256")
    .update(known ?? "")
    .digest("hex");
  const listed = entries.find((entry) => entry.sha256 === sha256);
  if (known !== undefined && listed !== undefined) {
    return { entries, token: known, note: `The token ${listed.name} (${scope}) stays.` };
  }
  const token = known ?? generateToken();
  const added = addToken(entries, token, {
    name,
    scopes: [scope],
    ...(expires === undefined ? {} : { expires }),
  });
  if (!added.ok) {
    const flag = scope === "push" ? "--push-token" : "--admin-token";
    throw new UsageError(`${added.error}. Another name: ${flag} NAME`);
  }
  const until = expires === undefined ? "without an expiry" : `valid until ${expires}`;
  return { entries: added.value, token, note: `A new token, ${name} (${scope}), ${until}.` };
}

async function planSigningKey(present: string | undefined, request: SecretsRequest) {
  const wanted = request.signingKey ?? present ?? "new";
  if (wanted === NO_SIGNING_KEY) {
    const note = "The gateway does not sign: everyone who pushes must sign.";
    return { secret: NO_SIGNING_KEY, publicKey: undefined, note };
  }
  const secret = wanted === "new" ? await generateSecretKey(request.keyName) : wanted.trim();
  const key = await requireKey(secret);
  const publicKey = formatPublicKey(publicKeyOf(key));
  const what =
    secret === present
      ? `The signing key ${key.name} stays.`
      : wanted === "new"
        ? `A new signing key, ${key.name}.`
        : `The signing key ${key.name}, as given.`;
  return { secret, publicKey, note: what };
}

async function requireKey(text: string): Promise<SecretKey> {
  const key = parseSecretKey(text);
  if (!key.ok) throw new UsageError(`the signing key ${key.error}`);
  if (await hasMatchingPublicKey(key.value)) return key.value;
  throw new UsageError("the signing key is damaged: its two halves do not belong together");
}
