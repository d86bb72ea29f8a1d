import type { KnownPath } from "../../../api/catalog-answers.ts";
import { decodeText } from "../../../http/text-decoding.ts";
import { formatFingerprint } from "../../../nix/fingerprint.ts";
import { MAX_STORED_NARINFO_BYTES, type Narinfo, parseNarinfo } from "../../../nix/narinfo.ts";
import { narinfoKey } from "../../../nix/object-key.ts";
import { parseSignature, type PublicKey, verifySignature } from "../../../nix/signature.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import { ownPublicKeys } from "../../ingest/signatures.ts";
import { cacheReads, type Exchange, openBucket } from "../exchange.ts";

type Judged = KnownPath["signatures"][number];

/**
 * Verifies the signatures of a path with all keys that the gateway knows. Reads the narinfo in
 * the bucket: what the catalog keeps does not tell whether a path refers to itself, which a
 * signature covers. If the bucket fails, the signatures that the catalog has are "unchecked".
 */
export async function judgeSignatures(
  { hash, signatures }: { readonly hash: string; readonly signatures: readonly string[] },
  exchange: Exchange,
): Promise<readonly Judged[]> {
  if (signatures.length === 0) return [];
  const narinfo = await readNarinfo(hash as StorePathHash, exchange).catch(() => undefined);
  if (narinfo === undefined) {
    return signatures.map((text) => ({ keyName: keyNameOf(text), verdict: "unchecked" }));
  }
  const message = formatFingerprint(narinfo, cacheReads(exchange).storeDir);
  const keys = knownKeys(exchange);
  return await Promise.all(narinfo.signatures.map((text) => judge(text, message, keys)));
}

async function readNarinfo(hash: StorePathHash, exchange: Exchange): Promise<Narinfo | undefined> {
  const key = narinfoKey(hash);
  const stored = await openBucket(exchange).read(key.path, MAX_STORED_NARINFO_BYTES);
  if (stored === undefined || stored === "too-large") return undefined;
  const narinfo = parseNarinfo(decodeText(stored.bytes), cacheReads(exchange).storeDir);
  return narinfo.ok && narinfo.value.storePath.hash === hash ? narinfo.value : undefined;
}

/** Returns the key of the gateway itself, PUBLIC_KEYS and TRUSTED_PUBLIC_KEYS. */
function knownKeys(exchange: Exchange): readonly PublicKey[] {
  const { pushes } = exchange.cache;
  const pushKeys = pushes.ok
    ? [...ownPublicKeys(pushes.value), ...pushes.value.trustedPublicKeys]
    : [];
  return [...pushKeys, ...cacheReads(exchange).publicKeys];
}

async function judge(text: string, message: string, keys: readonly PublicKey[]): Promise<Judged> {
  const signature = parseSignature(text);
  if (!signature.ok) return { keyName: keyNameOf(text), verdict: "malformed" };
  const { keyName } = signature.value;
  const named = keys.filter(({ name }) => name === keyName);
  if (named.length === 0) return { keyName, verdict: "unknown-key" };
  for (const key of named) {
    if (await verifySignature(key, message, signature.value)) return { keyName, verdict: "valid" };
  }
  return { keyName, verdict: "false" };
}

function keyNameOf(text: string): string {
  return (text.split(":")[0] ?? "").slice(0, 64);
}
