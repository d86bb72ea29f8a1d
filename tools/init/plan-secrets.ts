import { createHash } from "node:crypto";
import { generateToken } from "../../src/api/tokens.ts";
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
import { parseTokens, type TokenEntry } from "../../src/settings/token-entries.ts";
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
  /** Whether this run made the key of the gateway. */
  readonly isKeyNew: boolean;
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
  /** The names that the person gave. */
  readonly pushTokenName: string | undefined;
  readonly adminTokenName: string | undefined;
  /** The last day of new tokens, YYYY-MM-DD. Undefined: they do not expire. */
  readonly expires: string | undefined;
  /** Whether the person gave that day. */
  readonly isExpiryGiven: boolean;
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
  const push = planToken(former, present.pushToken, "push", request);
  const admin = planToken(push.entries, present.adminToken, "admin", request);
  notes.push(push.note, admin.note, ...noteAdded(present.secrets["TOKENS"], former));
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
    isKeyNew: signing.isNew,
    replaced: Object.entries(secrets)
      .filter(([name, value]) => isReplaced(present.secrets[name], value, name, admin.entries))
      .map(([name]) => name),
    notes,
  };
}

/** Says which tokens of the list the secrets file does not have yet. */
function noteAdded(before: string | undefined, entries: readonly TokenEntry[]): readonly string[] {
  if (before === undefined || before === "") return [];
  const listed = parseTokens(before);
  const known = new Set(listed.ok ? listed.value.map(({ sha256 }) => sha256) : []);
  const added = entries.filter(({ sha256 }) => !known.has(sha256)).map(({ name }) => name);
  return added.length === 0 ? [] : [`Added from the list of tokens: ${added.join(", ")}.`];
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
  const listed = parseTokens(before);
  return !listed.ok || listed.value.some(({ sha256 }) => !kept.has(sha256));
}

const DEFAULT_NAMES = { push: "ci", admin: "admin" } as const;

function planToken(
  entries: readonly TokenEntry[],
  known: string | undefined,
  scope: "push" | "admin",
  { pushTokenName, adminTokenName, expires, isExpiryGiven }: SecretsRequest,
) {
  const given = scope === "push" ? pushTokenName : adminTokenName;
  const name = given ?? DEFAULT_NAMES[scope];
  const sha256 = createHash("sha256")
    .update(known ?? "")
    .digest("hex");
  const listed = entries.find((entry) => entry.sha256 === sha256);
  if (known !== undefined && listed !== undefined) {
    if (given !== undefined && given !== listed.name) {
      throw new UsageError(
        `the ${scope} token of this cache is ${listed.name} already. Make a further one with: nargate token create ${given} --scope ${scope}`,
      );
    }
    const until = listed.expires === undefined ? "without an expiry" : `until ${listed.expires}`;
    const unchanged = isExpiryGiven
      ? `, ${until}: --expires changes no token that exists; make another with nargate token create`
      : "";
    return {
      entries,
      token: known,
      note: `The token ${listed.name} (${scope}) stays${unchanged}.`,
    };
  }
  const token = known ?? generateToken();
  const added = addToken(entries, token, {
    name,
    scopes: [scope],
    ...(expires === undefined ? {} : { expires }),
  });
  if (!added.ok) throw new UsageError(added.error);
  const until = expires === undefined ? "without an expiry" : `valid until ${expires}`;
  return { entries: added.value, token, note: `A new token, ${name} (${scope}), ${until}.` };
}

/**
 * Throws a `UsageError` if the list has the tokens of this cache and their files are
 * gone, as after putting them into a password manager. New ones would end those that
 * people use.
 */
export function requireSecretFiles(
  { tokens = [], secrets, pushToken, adminToken, files }: PresentState,
  { pushTokenName, adminTokenName }: Pick<SecretsRequest, "pushTokenName" | "adminTokenName">,
): void {
  const wanted = [
    ...(pushToken === undefined ? [pushTokenName ?? DEFAULT_NAMES.push] : []),
    ...(adminToken === undefined ? [adminTokenName ?? DEFAULT_NAMES.admin] : []),
  ];
  const taken = wanted.filter((name) => tokens.some((entry) => entry.name === name));
  if (taken.length === 0) return;
  const missing = [
    ...(Object.keys(secrets).length === 0 ? [files.secrets] : []),
    ...(pushToken === undefined ? [files.pushToken] : []),
    ...(adminToken === undefined ? [files.adminToken] : []),
  ];
  throw new UsageError(
    `${files.tokenList} has the token ${taken.join(" and ")}, and these files are missing: ${missing.join(", ")}. If this cache was set up before, restore them from your password manager. For another cache give --token-list FILE, or other names with --push-token and --admin-token`,
  );
}

async function planSigningKey(present: string | undefined, request: SecretsRequest) {
  const wanted = request.signingKey ?? present ?? "new";
  if (wanted === NO_SIGNING_KEY) {
    const note = "The gateway does not sign: everyone who pushes must sign.";
    return { secret: NO_SIGNING_KEY, publicKey: undefined, isNew: false, note };
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
  return { secret, publicKey, isNew: wanted === "new", note: what };
}

async function requireKey(text: string): Promise<SecretKey> {
  const key = parseSecretKey(text);
  if (!key.ok) throw new UsageError(`the signing key ${key.error}`);
  if (await hasMatchingPublicKey(key.value)) return key.value;
  throw new UsageError("the signing key is damaged: its two halves do not belong together");
}
