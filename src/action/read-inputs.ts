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

/** What `with:` says; action.yml has the defaults. */
export interface Inputs {
  /** Without a final slash. */
  readonly url: string;
  /** What an OIDC token is asked for; the cache's origin where nothing else is said. */
  readonly audience: string;
  readonly token: string | undefined;
  readonly push: boolean;
  readonly pushOnFailure: boolean;
  readonly failOnPushError: boolean;
  readonly substitute: boolean;
  readonly signKey: SecretKey | undefined;
  readonly upstreamKeys: ReadonlySet<string>;
  /** What it finds in a base name is not pushed for its own sake. */
  readonly pushFilter: RegExp | undefined;
  /** How the job has gone so far; empty where the runner does not say. */
  readonly jobStatus: string;
}

/** Reads and checks the inputs, secrets masked first. Throws `UsageError`. */
export async function readInputs(runner: Pick<Runner, "input" | "mask">): Promise<Inputs> {
  const token = runner.input("token");
  if (token !== "") runner.mask(token);
  const signKey = runner.input("sign-key");
  for (const secret of secretParts(signKey)) runner.mask(secret);

  const url = readUrl(runner.input("url"));
  if (token !== "" && !/^[\x21-\x7e]{1,16384}$/.test(token)) {
    throw new UsageError("the input token is not one word of printable characters");
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
  if (text === "") throw new UsageError("the input url is missing: the address of the cache");
  return parseCacheUrl(text);
}

/** Whole, and what follows the name, which alone may be printed too. */
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
      throw new UsageError(`the input ${name} is neither true nor false`);
  }
}

async function parseSignKey(text: string): Promise<SecretKey> {
  const key = parseSecretKey(text);
  if (!key.ok) throw new UsageError(`the input sign-key ${key.error}`);
  if (!(await hasMatchingPublicKey(key.value))) {
    throw new UsageError("the two halves of the input sign-key do not belong together");
  }
  return key.value;
}

/** A whole public key is taken for its name. */
function parseKeyNames(text: string): ReadonlySet<string> {
  const names = text
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => word.split(":", 1)[0] ?? "");
  for (const name of names) {
    if (!isKeyName(name)) throw new UsageError("the input upstream-keys has what names no key");
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
