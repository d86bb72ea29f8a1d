import { equalFingerprints } from "../../nix/fingerprint.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import type { SecretKey } from "../../nix/signature.ts";
import { formatStorePathBaseName } from "../../nix/store-path.ts";
import type { CacheClient } from "../gateway/cache-client.ts";
import { isBroken, lookAtNar } from "../gateway/look-at-nar.ts";
import type { PathInfo } from "../local-nix/path-info.ts";
import { isSignedBy } from "./compose-narinfo.ts";
import type { PathEnds } from "./push-report.ts";
import type { PushSession } from "./push-session.ts";
import type { Dependent } from "./references-first.ts";

/** The decision for one path. */
type Choice =
  | { readonly kind: "push" }
  /** The path is published, but without a signature of our key. */
  | { readonly kind: "sign"; readonly published: Narinfo }
  | {
      readonly kind: "skip";
      readonly reason: string;
      /** Whether the operator should look into it. */
      readonly isSuspicious: boolean;
    };

interface ChoiceOptions {
  readonly client: Pick<CacheClient, "readNarinfo" | "send">;
  readonly storeDir: string;
  /** Names of upstream keys: a path that one of them signed is in another cache. */
  readonly upstreamKeys: ReadonlySet<string>;
  readonly signKey: SecretKey | undefined;
  /** Whether to look at the NAR of each published path, and to push it again if it is broken. */
  readonly isRepair: boolean;
}

/** A path that must be pushed or signed. */
export interface Pending extends Dependent {
  readonly info: PathInfo;
  readonly choice: Exclude<Choice, { kind: "skip" }>;
}

/**
 * Decides for each path. Returns the paths that must be pushed or signed, and
 * settles the others.
 */
export async function choosePaths(
  infos: readonly PathInfo[],
  { client, store, options, limits, guard, context }: PushSession,
  { settle, settleError }: Pick<PathEnds, "settle" | "settleError">,
): Promise<readonly Pending[]> {
  const { upstreamKeys, signKey, isRepair } = options;
  const how = { client, storeDir: store.storeDir, upstreamKeys, signKey, isRepair };
  const choices = await Promise.all(
    infos.map(async (info): Promise<readonly Pending[]> => {
      const { path } = info;
      try {
        const choice = await limits.requests.run(async () => {
          context.signal.throwIfAborted();
          guard.check();
          return await choosePath(info, how);
        });
        guard.succeeded();
        if (choice.kind === "skip") {
          settle({ ...choice, kind: "skipped", path });
          return [];
        }
        const references = info.references.map(formatStorePathBaseName);
        return [{ id: formatStorePathBaseName(path), references, info, choice }];
      } catch (error) {
        settleError(path, error);
        return [];
      }
    }),
  );
  return choices.flat();
}

/**
 * Decides for one path. Asks the bucket, not the edge: somebody may have removed a
 * narinfo from the bucket that the edge still has.
 */
export async function choosePath(
  info: PathInfo,
  { client, storeDir, upstreamKeys, signKey, isRepair }: ChoiceOptions,
): Promise<Choice> {
  for (const keyName of upstreamKeys) {
    if (isSignedBy(info.signatures, keyName)) return skip(`signed by ${keyName}`);
  }
  const narinfo = await client.readNarinfo(info.path.hash, storeDir, true);
  if (narinfo === undefined) return { kind: "push" };
  if (narinfo === "unreadable") return skip("in the cache, in a compression that only Nix reads");
  const isSame = equalFingerprints(narinfo, { ...info, storePath: info.path });
  if (!isSame) return { ...skip("in the cache with other contents"), isSuspicious: true };
  if (isRepair && isBroken(await lookAtNar(narinfo, client))) return { kind: "push" };
  if (signKey !== undefined && !isSignedBy(narinfo.signatures, signKey.name)) {
    return { kind: "sign", published: narinfo };
  }
  return skip("in the cache");
}

function skip(reason: string) {
  return { kind: "skip", reason, isSuspicious: false } as const;
}
