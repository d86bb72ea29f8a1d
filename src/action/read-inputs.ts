import { UsageError } from "../client/client-error.ts";
import { requireSafeForTokens } from "../client/gateway/find-token.ts";
import { parseCacheUrl } from "../client/gateway/open-cache.ts";
import {
  hasMatchingPublicKey,
  isKeyName,
  parseSecretKey,
  type SecretKey,
} from "../nix/signature.ts";
import type { Runner } from "./runner.ts";

/** The inputs of the action, from `with:` in the workflow. action.yml has the defaults. */
export interface Inputs {
  /** Without a final slash. */
  readonly url: string;
  /** The audience of the OIDC token. The default is the origin of the cache's URL. */
  readonly audience: string;
  readonly token: string | undefined;
  readonly push: boolean;
  readonly pushOnFailure: boolean;
  readonly failOnPushError: boolean;
  readonly substitute: boolean;
  readonly signKey: SecretKey | undefined;
  readonly upstreamKeys: ReadonlySet<string>;
  /** A path whose base name matches is pushed only if another pushed path needs it. */
  readonly pushFilter: RegExp | undefined;
  /** The status of the job so far. Empty if the runner does not supply it. */
  readonly jobStatus: string;
}

/** Reads and checks the inputs. It first masks the secrets in the log. Throws `UsageError`. */
export async function readInputs(runner: Pick<Runner, "input" | "mask">): Promise<Inputs> {
  const token = runner.input("token");
  if (token !== "") runner.mask(token);
  const signKey = runner.input("sign-key");
  for (const secret of secretParts(signKey)) runner.mask(secret);

  const url = readUrl(runner.input("url"));
  if (token !== "" && !/^[\x21-\x7e]{1,16384}$/.test(token)) {
    throw new UsageError(
      "the input token is too long, or contains a space or an unprintable character. Check that the secret is only the token",
    );
  }
  if (token !== "") requireSafeForTokens(url);
  const flag = (name: string) => parseFlag(name, runner.input(name));
  return {
    url,
    audience: runner.input("audience") || new URL(url).origin,
    token: token === "" ? undefined : token,
    push: flag("push"),
    pushOnFailure: flag("push-on-failure"),
    failOnPushError: flag("fail-on-push-error"),
    substitute: flag("substitute"),
    signKey: signKey === "" ? undefined : await parseSignKey(signKey),
    upstreamKeys: parseKeyNames(runner.input("upstream-keys")),
    pushFilter: parseFilter(runner.input("push-filter")),
    jobStatus: runner.input("job-status"),
  };
}

function readUrl(text: string): string {
  if (text === "")
    throw new UsageError("the input url is missing. Set it to the address of the cache");
  return parseCacheUrl(text);
}

/**
 * Returns the texts to mask: the whole key, and the part behind the name, because
 * that part could be printed alone.
 */
function secretParts(signKey: string): readonly string[] {
  return signKey === "" ? [] : [signKey, signKey.slice(signKey.indexOf(":") + 1)];
}

function parseFlag(name: string, text: string): boolean {
  switch (text.toLowerCase()) {
    case "true":
      return true;
    case "false":
      return false;
    default:
      throw new UsageError(`the input ${name} must be true or false`);
  }
}

async function parseSignKey(text: string): Promise<SecretKey> {
  const key = parseSecretKey(text);
  if (!key.ok) throw new UsageError(`the input sign-key ${key.error}`);
  if (!(await hasMatchingPublicKey(key.value))) {
    throw new UsageError(
      "the input sign-key is damaged: its secret half and its public half do not match",
    );
  }
  return key.value;
}

/** Parses the names of keys. A whole public key counts as its name. */
function parseKeyNames(text: string): ReadonlySet<string> {
  const names = text
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => word.split(":", 1)[0] ?? "");
  for (const name of names) {
    if (!isKeyName(name))
      throw new UsageError(
        "the input upstream-keys must have names of keys, such as cache.nixos.org-1, with spaces between them",
      );
  }
  return new Set(names);
}

function parseFilter(text: string): RegExp | undefined {
  if (text === "") return undefined;
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(`the input push-filter is not a regular expression: ${String(error)}`);
  }
}
