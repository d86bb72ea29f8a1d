import { equalFingerprints } from "../../nix/fingerprint.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import type { SecretKey } from "../../nix/signature.ts";
import type { CacheClient } from "../gateway/cache-client.ts";
import type { PathInfo } from "../local-nix/path-info.ts";
import { isSignedBy } from "./compose-narinfo.ts";

/** What is to be done for a path. */
export type Choice =
  | { readonly kind: "push" }
  /** It is published, and only our signature is missing. */
  | { readonly kind: "sign"; readonly published: Narinfo }
  | {
      readonly kind: "skip";
      readonly reason: string;
      /** Whether somebody should look into it. */
      readonly isSuspicious: boolean;
    };

export interface ChoiceOptions {
  readonly client: Pick<CacheClient, "readNarinfo">;
  readonly storeDir: string;
  /** Names of keys whose signature says that another cache has the path. */
  readonly upstreamKeys: ReadonlySet<string>;
  readonly signKey: SecretKey | undefined;
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
