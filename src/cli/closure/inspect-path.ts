import type { CacheClient } from "../../client/gateway/cache-client.ts";
import { isBroken, lookAtNar, type NarState } from "../../client/gateway/look-at-nar.ts";
import { isUsable, whyUnusable } from "../../client/gateway/usable.ts";
import { formatFingerprint } from "../../nix/fingerprint.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import { parsePublicKey, parseSignature, verifySignature } from "../../nix/signature.ts";
import { readTrueAddress } from "../../nix/trust.ts";

/** The result of verifying a signature of a narinfo with the keys that the cache publishes. */
export interface SignatureVerdict {
  readonly keyName: string;
  readonly verdict: "good" | "FALSE" | "unknown key" | "malformed";
}

export interface PathInspection {
  readonly narinfo: Narinfo;
  readonly signatures: readonly SignatureVerdict[];
  readonly nar: NarState;
  /** Whether clients accept the path; see `isUsable`. */
  readonly isUsable: boolean;
  /** Why they do not. Undefined if they do. */
  readonly problem: string | undefined;
  /**
   * Whether the content address gives the path's name. Undefined if the path has no
   * content address.
   */
  readonly isAddressTrue: boolean | undefined;
}

/**
 * Verifies the signatures and the content address of a narinfo, and asks the
 * bucket for the NAR.
 */
export async function inspectPath(
  narinfo: Narinfo,
  client: CacheClient,
  cache: { readonly storeDir: string; readonly publicKeys: readonly string[] },
): Promise<PathInspection> {
  const isAccepted = await isUsable(narinfo, cache);
  const address = await readTrueAddress(narinfo, cache.storeDir);
  return {
    narinfo,
    isUsable: isAccepted,
    problem: isAccepted ? undefined : whyUnusable(cache),
    signatures: await Promise.all(
      narinfo.signatures.map((text) => judgeSignature(text, narinfo, cache)),
    ),
    nar: await lookAtNar(narinfo, client),
    isAddressTrue: address === undefined ? undefined : address !== "false",
  };
}

/**
 * Returns whether clients can use the path: they can fetch the NAR, and nothing in
 * the narinfo is false.
 */
export function isSound({ signatures, nar, isAddressTrue, ...others }: PathInspection): boolean {
  return (
    others.isUsable &&
    !isBroken(nar) &&
    isAddressTrue !== false &&
    signatures.every(({ verdict }) => verdict !== "FALSE" && verdict !== "malformed")
  );
}

async function judgeSignature(
  text: string,
  narinfo: Narinfo,
  { storeDir, publicKeys }: { readonly storeDir: string; readonly publicKeys: readonly string[] },
): Promise<SignatureVerdict> {
  const signature = parseSignature(text);
  if (!signature.ok) return { keyName: text.slice(0, 64), verdict: "malformed" };
  const { keyName } = signature.value;
  const keys = publicKeys.flatMap((key) => {
    const parsed = parsePublicKey(key);
    return parsed.ok && parsed.value.name === keyName ? [parsed.value] : [];
  });
  if (keys.length === 0) return { keyName, verdict: "unknown key" };
  const message = formatFingerprint(narinfo, storeDir);
  for (const key of keys) {
    if (await verifySignature(key, message, signature.value)) return { keyName, verdict: "good" };
  }
  return { keyName, verdict: "FALSE" };
}
