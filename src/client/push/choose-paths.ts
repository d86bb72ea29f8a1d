import { equalFingerprints } from "../../nix/fingerprint.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import type { SecretKey } from "../../nix/signature.ts";
import { formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { isWithoutBatches } from "../gateway/batch-api.ts";
import type { CacheClient } from "../gateway/cache-client.ts";
import { type CacheKeys, isUsable } from "../gateway/usable.ts";
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
  /** The keys that clients of the cache trust. */
  readonly keys: CacheKeys;
  /** Whether the gateway unpacks NARs, and replaces a published path that does not hold what it says. */
  readonly canReplace: boolean;
}

/** A path that must be pushed or signed. */
export interface Pending extends Dependent {
  readonly info: PathInfo;
  readonly choice: Exclude<Choice, { kind: "skip" }>;
}

/**
 * The most narinfos of paths that the user has named which are compared with the store, if
 * the gateway has batches. The others are only looked for.
 */
const COMPARED_PATHS = 32;

/**
 * Decides for each path. Returns the paths that must be pushed or signed, and
 * settles the others. `named` has the paths that the user asks to push: most of the
 * others come from a cache, and those that were built here are worth a comparison.
 */
export async function choosePaths(
  infos: readonly PathInfo[],
  named: readonly StorePath[],
  session: PushSession,
  { settle, settleError }: Pick<PathEnds, "settle" | "settleError">,
): Promise<readonly Pending[]> {
  const { client, store, options, limits, guard, context, batches } = session;
  const { upstreamKeys, signKey, isRepair } = options;
  const canReplace = session.facts.proves === "contents";
  const how = {
    client,
    storeDir: store.storeDir,
    upstreamKeys,
    signKey,
    isRepair,
    keys: session.facts,
    canReplace,
  };

  async function choose(
    info: PathInfo,
    decide: () => Promise<Choice>,
  ): Promise<readonly Pending[]> {
    const { path } = info;
    try {
      const choice = await decide();
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
  }

  async function compare(info: PathInfo): Promise<Choice> {
    const choice = await limits.requests.run(async () => {
      context.signal.throwIfAborted();
      guard.check();
      return await choosePath(info, how);
    });
    guard.succeeded();
    return choice;
  }

  // To sign a published path or to look at its NAR, its narinfo is needed.
  const mayOnlyLook = batches !== undefined && signKey === undefined && !isRepair;
  const compared = new Set(named.slice(0, COMPARED_PATHS).map(formatStorePathBaseName));
  const isCompared = ({ path }: PathInfo) =>
    !mayOnlyLook || compared.has(formatStorePathBaseName(path));
  const toLookFor = infos.filter(
    (info) => !isCompared(info) && skipSignedUpstream(info, upstreamKeys) === undefined,
  );
  const missing =
    batches === undefined || toLookFor.length === 0
      ? Promise.resolve(new Set<string>())
      : batches.findMissing(toLookFor.map(({ path }) => path.hash));
  // The paths await it below, and each gets its failure.
  missing.catch(() => {});

  async function lookFor(info: PathInfo): Promise<Choice> {
    const upstream = skipSignedUpstream(info, upstreamKeys);
    if (upstream !== undefined) return upstream;
    try {
      return (await missing).has(info.path.hash) ? { kind: "push" } : skip("in the cache");
    } catch (error) {
      if (isWithoutBatches(error)) return await compare(info);
      throw error;
    }
  }

  const choices = infos.map((info) =>
    choose(info, () => (isCompared(info) ? compare(info) : lookFor(info))),
  );
  return (await Promise.all(choices)).flat();
}

/**
 * Decides for one path. Asks the bucket, not the edge: somebody may have removed a
 * narinfo from the bucket that the edge still has.
 */
export async function choosePath(
  info: PathInfo,
  { client, storeDir, upstreamKeys, signKey, isRepair, keys, canReplace }: ChoiceOptions,
): Promise<Choice> {
  const upstream = skipSignedUpstream(info, upstreamKeys);
  if (upstream !== undefined) return upstream;
  const narinfo = await client.readNarinfo(info.path.hash, storeDir, true);
  if (narinfo === undefined) return { kind: "push" };
  if (narinfo === "unreadable") return skip("in the cache, in a compression that only Nix reads");
  const isSame = equalFingerprints(narinfo, { ...info, storePath: info.path });
  // The gateway decides which of the two is right: it keeps the published one unless its NAR
  // disproves it.
  if (!isSame && isRepair && canReplace) return { kind: "push" };
  if (!isSame) return { ...skip("in the cache with other contents"), isSuspicious: true };
  if (isRepair && isBroken(await lookAtNar(narinfo, client))) return { kind: "push" };
  if (signKey !== undefined && !isSignedBy(narinfo.signatures, signKey.name)) {
    return { kind: "sign", published: narinfo };
  }
  if (keys.publicKeys.length > 0 && !(await isUsable(narinfo, keys))) {
    return {
      ...skip(UNUSABLE),
      isSuspicious: true,
    };
  }
  return skip("in the cache");
}

/** Returns why a path is left to another cache, if it is. */
export function skipSignedUpstream(
  { signatures }: PathInfo,
  upstreamKeys: ReadonlySet<string>,
): Choice | undefined {
  for (const keyName of upstreamKeys) {
    if (isSignedBy(signatures, keyName)) return skip(`signed by ${keyName}`);
  }
  return undefined;
}

const UNUSABLE =
  "in the cache, but clients do not accept it. Push it with --sign-key, or sign it with nargate sign";

function skip(reason: string) {
  return { kind: "skip", reason, isSuspicious: false } as const;
}
