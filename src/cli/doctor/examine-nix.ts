import { readFile, stat } from "node:fs/promises";
import { createCacheClient } from "../../client/gateway/cache-client.ts";
import { isSafeForTokens } from "../../client/gateway/find-token.ts";
import type { HttpClient } from "../../client/gateway/http-client.ts";
import { findNetrcPassword } from "../../client/gateway/netrc.ts";
import { readTokenFacts } from "../../client/gateway/token-facts.ts";
import { ClientError } from "../../client/client-error.ts";
import { type CacheUse, netrcLine } from "../../client/use/cache-use.ts";
import type { LocalNix } from "../../client/use/ask-local-nix.ts";
import { matchKeys } from "../../client/use/nix-settings.ts";
import type { Finding } from "../../checks/finding.ts";

type MaybeNix = LocalNix | { readonly reason: string };

/** Whether Nix on this machine would ask the cache, and believe it. */
export function judgeNixConf(use: CacheUse, nix: MaybeNix): Finding {
  const check = "nix.conf";
  if ("reason" in nix) return { check, verdict: "skipped", says: nix.reason };
  const { settings, trust } = nix;
  const matches = matchKeys(use.publicKeys, settings.trustedPublicKeys);
  const another = matches.find(({ state }) => state === "another");
  if (another !== undefined) {
    const says = `trusts another key of the name ${another.name} than the cache publishes`;
    const remedy = `Replace it in trusted-public-keys by ${another.key}`;
    return { check, verdict: "FAIL", says, remedy };
  }
  const remedy =
    trust.isTrusted === false
      ? `Put the lines of "nargate use ${use.url}" into /etc/nix/nix.conf: the daemon does not trust ${trust.user}.`
      : `nargate use ${use.url} --write`;
  if (!settings.substituters.some((url) => isSameCache(url, use.url))) {
    return { check, verdict: "warn", says: "Nix here does not use this cache", remedy };
  }
  const missing = matches.filter(({ state }) => state === "missing");
  if (missing.length > 0) {
    const says = `names the cache and does not trust its key ${missing.map(({ name }) => name).join(", ")}`;
    const isAll = missing.length === matches.length;
    return { check, verdict: isAll ? "FAIL" : "warn", says, remedy };
  }
  return { check, verdict: "ok", says: "names the cache, and trusts what it publishes" };
}

/** As Nix takes a store's URL: parameters and a final slash make no other one. */
function isSameCache(substituter: string, url: string): boolean {
  return (substituter.split("?", 1)[0] ?? "").replace(/\/+$/, "") === url;
}

/** Whether the daemon finds a token for a private cache, and whether that works. */
export async function examineNetrc(
  use: CacheUse,
  nix: MaybeNix,
  http: HttpClient,
): Promise<Finding> {
  const check = "netrc";
  if (!use.isPrivate) return { check, verdict: "skipped", says: "anyone may read this cache" };
  if ("reason" in nix) return { check, verdict: "skipped", says: nix.reason };
  const { netrcFile: file } = nix.settings;
  const remedy = `Put "${netrcLine(use, "<token>")}" into it, as root and with mode 600.`;
  let text: string;
  let mode: number;
  try {
    text = await readFile(file, "utf8");
    ({ mode } = await stat(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      return { check, verdict: "FAIL", says: `Nix reads ${file}, which is not there`, remedy };
    }
    const says = `${file} cannot be looked into by ${nix.trust.user}: ${code}`;
    return { check, verdict: "skipped", says, remedy: "Run this as root to have it checked." };
  }
  const { hostname } = new URL(use.url);
  const password = findNetrcPassword(text, hostname);
  if (password === undefined) {
    return { check, verdict: "FAIL", says: `${file} has no entry for ${hostname}`, remedy };
  }
  if (!isSafeForTokens(use.url)) {
    const says = `${file} has a token for ${hostname}, which Nix would send over plain http`;
    return { check, verdict: "warn", says, remedy: "Use https." };
  }
  try {
    const { name } = await readTokenFacts(createCacheClient(use.url, async () => password, http));
    const says = `${file} has the token ${name}, which works`;
    return (mode & 0o007) === 0
      ? { check, verdict: "ok", says }
      : {
          check,
          verdict: "warn",
          says: `${says}, and everyone can read it`,
          remedy: `chmod 600 ${file}`,
        };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const says = `the token in ${file}: ${error.message}`;
    return { check, verdict: "FAIL", says, remedy };
  }
}
