import { readFile, stat } from "node:fs/promises";
import { CacheRefusal, createCacheClient } from "../../client/gateway/cache-client.ts";
import { isSecureUrl } from "../../http/secure-url.ts";
import type { HttpClient } from "../../client/gateway/http-client.ts";
import { findNetrcPassword } from "../../client/gateway/netrc.ts";
import { readTokenFacts } from "../../client/gateway/token-facts.ts";
import { ClientError } from "../../client/client-error.ts";
import { type CacheUse, netrcLine } from "../../client/use/cache-use.ts";
import type { LocalNix } from "../../client/use/ask-local-nix.ts";
import { hasCache, matchKeys } from "../../client/use/nix-settings.ts";
import type { Finding } from "../../checks/finding.ts";
import { faultRemedy } from "./fault-remedy.ts";

type MaybeNix = LocalNix | { readonly reason: string };

/** Checks that Nix on this machine uses the cache and trusts its keys. */
export function judgeNixConf(use: CacheUse, nix: MaybeNix): Finding {
  const check = "nix.conf";
  if ("reason" in nix) return { check, verdict: "skipped", says: nix.reason };
  const { settings, trust } = nix;
  const matches = matchKeys(use.publicKeys, settings.trustedPublicKeys);
  const another = matches.find(({ state }) => state === "another");
  if (another !== undefined) {
    const says = `Nix trusts a key with the name ${another.name}, but the cache publishes another key of this name`;
    const remedy = `In trusted-public-keys, replace the key ${another.name} by ${another.key}`;
    return { check, verdict: "FAIL", says, remedy };
  }
  const remedy =
    trust.isTrusted === false
      ? `Put the lines of "nargate use ${use.url}" into /etc/nix/nix.conf: the Nix daemon does not trust ${trust.user}.`
      : `Run: nargate use ${use.url} --write`;
  if (!hasCache(settings.substituters, use.url)) {
    return { check, verdict: "warn", says: "Nix on this machine does not use this cache", remedy };
  }
  const missing = matches.filter(({ state }) => state === "missing");
  if (missing.length > 0) {
    const says = `Nix uses the cache, but does not trust its key ${missing.map(({ name }) => name).join(", ")}`;
    const isAll = missing.length === matches.length;
    return { check, verdict: isAll ? "FAIL" : "warn", says, remedy };
  }
  return {
    check,
    verdict: "ok",
    says: "Nix uses the cache and trusts every key that it publishes",
  };
}

/** Checks that the netrc file of Nix has a token for a private cache, and that the token works. */
export async function examineNetrc(
  use: CacheUse,
  nix: MaybeNix,
  http: HttpClient,
): Promise<Finding> {
  const check = "netrc";
  if (!use.isPrivate)
    return { check, verdict: "skipped", says: "this cache is public and needs no token" };
  if ("reason" in nix) return { check, verdict: "skipped", says: nix.reason };
  const { netrcFile: file } = nix.settings;
  const remedy = `As root, put "${netrcLine(use, "<token>")}" into ${file}, and set the mode of the file to 600.`;
  let text: string;
  let mode: number;
  try {
    text = await readFile(file, "utf8");
    ({ mode } = await stat(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      return {
        check,
        verdict: "FAIL",
        says: `Nix reads ${file}, but this file does not exist`,
        remedy,
      };
    }
    const says = `${nix.trust.user} cannot read ${file}: ${code}`;
    return {
      check,
      verdict: "skipped",
      says,
      remedy: "Run this command as root to check the file.",
    };
  }
  const { hostname } = new URL(use.url);
  const password = findNetrcPassword(text, hostname);
  if (password === undefined) {
    return { check, verdict: "FAIL", says: `${file} has no entry for ${hostname}`, remedy };
  }
  if (!isSecureUrl(new URL(use.url))) {
    const says = `${file} has a token for ${hostname}, and Nix would send this token over plain http`;
    return { check, verdict: "warn", says, remedy: "Use the https URL of the cache." };
  }
  try {
    const { name } = await readTokenFacts(createCacheClient(use.url, async () => password, http));
    const says = `the token ${name} in ${file} works`;
    return (mode & 0o007) === 0
      ? { check, verdict: "ok", says }
      : {
          check,
          verdict: "warn",
          says: `${says}, but every user of this machine can read the file`,
          remedy: `Run: chmod 600 ${file}`,
        };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const says = `cannot use the token in ${file}: ${error.message}`;
    const fault = error instanceof CacheRefusal ? faultRemedy(error.status) : undefined;
    return { check, verdict: "FAIL", says, remedy: fault ?? remedy };
  }
}
