import { equalFingerprints } from "../../nix/fingerprint.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import type { SecretKey } from "../../nix/signature.ts";
import { formatStorePathBaseName } from "../../nix/store-path.ts";
import type { CacheClient } from "../gateway/cache-client.ts";
import type { PathInfo } from "../local-nix/path-info.ts";
import { isSignedBy } from "./compose-narinfo.ts";
import type { PathEnds } from "./push-report.ts";
import type { PushSession } from "./push-session.ts";
import type { Dependent } from "./references-first.ts";

/** What is to be done for a path. */
type Choice =
  | { readonly kind: "push" }
  /** It is published, and only our signature is missing. */
  | { readonly kind: "sign"; readonly published: Narinfo }
  | {
      readonly kind: "skip";
      readonly reason: string;
      /** Whether somebody should look into it. */
      readonly isSuspicious: boolean;
    };

interface ChoiceOptions {
  readonly client: Pick<CacheClient, "readNarinfo">;
  readonly storeDir: string;
  /** Names of keys whose signature says that another cache has the path. */
  readonly upstreamKeys: ReadonlySet<string>;
  readonly signKey: SecretKey | undefined;
}

/** A path that the cache lacks, or that it has without our signature. */
export interface Pending extends Dependent {
  readonly info: PathInfo;
  readonly choice: Exclude<Choice, { kind: "skip" }>;
}

/** Those that there is something to do for; the others are settled. */
export async function choosePaths(
  infos: readonly PathInfo[],
  { client, store, options, limits, guard, context }: PushSession,
  { settle, settleError }: Pick<PathEnds, "settle" | "settleError">,
): Promise<readonly Pending[]> {
  const { upstreamKeys, signKey } = options;
  const how = { client, storeDir: store.storeDir, upstreamKeys, signKey };
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

/** Asks the cache, with a pusher's token: the gateway then looks past what its edge remembers. */
export async function choosePath(
  info: PathInfo,
  { client, storeDir, upstreamKeys, signKey }: ChoiceOptions,
): Promise<Choice> {
  for (const keyName of upstreamKeys) {
    if (isSignedBy(info.signatures, keyName)) return skip(`signed by ${keyName}`);
  }
  const published = await client.readNarinfo(info.path.hash, storeDir);
  if (published === undefined) return { kind: "push" };
  const { narinfo } = published;
  const isSame = equalFingerprints(narinfo, { ...info, storePath: info.path });
  if (!isSame) return { ...skip("published with other contents"), isSuspicious: true };
  if (signKey !== undefined && !isSignedBy(narinfo.signatures, signKey.name)) {
    return { kind: "sign", published: narinfo };
  }
  return skip("in the cache");
}

function skip(reason: string) {
  return { kind: "skip", reason, isSuspicious: false } as const;
}
