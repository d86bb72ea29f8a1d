import { formatFingerprint } from "../../nix/fingerprint.ts";
import { formatNarinfo, type Narinfo, withSignatures } from "../../nix/narinfo.ts";
import { isSignedByAny } from "../../nix/trust.ts";
import { publicKeyOf, type SecretKey } from "../../nix/signature.ts";
import { formatStorePath, type StorePathHash } from "../../nix/store-path.ts";
import {
  type AuditRules,
  judgeNarinfo,
  lacksOnlySignature,
  type PathFinding,
  toFinding,
} from "../audit/judge-narinfo.ts";
import { mapInOrder } from "../audit/map-in-order.ts";
import { BucketRefusal } from "../bucket/bucket-reader.ts";
import { ClientError, describeError } from "../client-error.ts";
import type { CacheClient } from "../gateway/cache-client.ts";
import { Unreachable } from "../gateway/http-client.ts";
import type { ProcessContext } from "../process-context.ts";
import { signNarinfo } from "../push/compose-narinfo.ts";
import { createSemaphore, type Semaphore } from "../push/push-limits.ts";
import { createStopGuard, type StopGuard } from "../push/stop-guard.ts";
import { putNarinfo } from "../push/upload-nar.ts";
import { proveNar } from "../prove/prove-nar.ts";
import type { StoredPaths } from "../audit/stored-paths.ts";

/** What happened to one path. */
export interface SignOutcome {
  readonly hash: StorePathHash;
  /** The store path. Undefined if its narinfo cannot be read. */
  readonly path: string | undefined;
  /** `ready` stands for `signed` in a dry run. `kept`: it needed no signature of this key. */
  readonly status: "signed" | "ready" | "kept" | "failed" | "wrong-contents" | "not-proved";
  readonly says: string;
}

export interface SignSession {
  readonly key: SecretKey;
  readonly rules: AuditRules;
  readonly paths: StoredPaths;
  readonly client: CacheClient;
  /** Whether the user named the paths: then a path is signed too that a trusted key has signed. */
  readonly isNamed: boolean;
  /** Whether to download each NAR, and to sign only a path whose NAR is what its narinfo says. */
  readonly isProving: boolean;
  readonly isDryRun: boolean;
}

const PATHS_AT_ONCE = 16;
/** A zstd file with the largest window needs 128 MB to unpack, and one of `zstd -3` needs 4 MB. */
const PROOFS_AT_ONCE = 8;

/**
 * Adds a signature to each path through the gateway, and yields what happened in the
 * order of `hashes`. A path that fails does not stop the others, unless the gateway
 * refuses the token or does not answer any more. Each narinfo is read again first.
 */
export async function* signPaths(
  hashes: Iterable<StorePathHash>,
  session: SignSession,
  context: ProcessContext,
): AsyncGenerator<SignOutcome, void> {
  const guards = { stop: createStopGuard(), proofs: createSemaphore(PROOFS_AT_ONCE) };
  yield* mapInOrder(hashes, PATHS_AT_ONCE, async (hash) => {
    context.signal.throwIfAborted();
    return await signOne(hash, session, guards, context);
  });
}

interface Guards {
  readonly stop: StopGuard;
  readonly proofs: Semaphore;
}

async function signOne(
  hash: StorePathHash,
  session: SignSession,
  { stop, proofs }: Guards,
  context: ProcessContext,
): Promise<SignOutcome> {
  let path: string | undefined;
  const outcome = (status: SignOutcome["status"], says = "") => ({ hash, path, status, says });
  try {
    stop.check();
    const { paths, rules, key } = session;
    const narinfo = await readPath(hash, paths);
    path = formatStorePath(narinfo.storePath, rules.storeDir);
    if (await hasSignatureOf(key, narinfo, rules)) {
      return outcome("kept", `${key.name} has signed it already`);
    }
    const judgement = await judgeNarinfo(narinfo, await paths.findNar(narinfo), rules);
    const finding = toFinding(hash, path, judgement);
    if (finding === undefined && !session.isNamed) return outcome("kept", "it is signed by now");
    if (finding !== undefined && !lacksOnlySignature(finding)) {
      return outcome("failed", describeFinding(finding));
    }
    if (session.isProving) {
      const proof = await proofs.run(() => proveNar(narinfo, paths, context));
      // A signature does not cover the file, and clients do not look at its hash.
      const isRight = proof.verdict === "proved" || proof.verdict === "wrong-file-hash";
      if (!isRight) return outcome(proof.verdict, proof.says);
    }
    if (session.isDryRun) return outcome("ready");
    await addSignature(narinfo, session);
    stop.succeeded();
    return outcome("signed");
  } catch (error) {
    context.signal.throwIfAborted();
    // If the bucket refuses this read, it refuses the next ones too.
    stop.failed(error instanceof BucketRefusal ? new Unreachable(error.message) : error);
    return outcome("failed", describeError(error));
  }
}

async function readPath(hash: StorePathHash, paths: StoredPaths): Promise<Narinfo> {
  const narinfo = await paths.read(hash);
  if (narinfo === undefined) throw new ClientError("the cache does not have it");
  if (narinfo === "unreadable") {
    throw new ClientError("its narinfo is stored in a compression that only Nix reads");
  }
  if (narinfo.storePath.hash !== hash) throw new ClientError("its narinfo is about another path");
  return narinfo;
}

async function hasSignatureOf(key: SecretKey, narinfo: Narinfo, { storeDir }: AuditRules) {
  const fingerprint = formatFingerprint(narinfo, storeDir);
  return await isSignedByAny(fingerprint, narinfo.signatures, [publicKeyOf(key)]);
}

/**
 * Attempts to add a signature. The bucket has no conditional writes, so the PUT of
 * another signer can replace ours at the same moment.
 */
const PUTS = 3;

/**
 * PUTs the narinfo with the new signature, and reads it back. The gateway answers 200 also
 * if it keeps what is published: a narinfo of other contents, or a full list of signatures.
 */
async function addSignature(
  narinfo: Narinfo,
  { key, rules, client, paths }: SignSession,
): Promise<void> {
  const { storeDir } = rules;
  const { hash } = narinfo.storePath;
  const signed = await signNarinfo(withoutKey(narinfo, key), key, storeDir);
  for (let count = 1; count <= PUTS; count++) {
    await putNarinfo(hash, formatNarinfo(signed), { client });
    const stored = await paths.read(hash);
    if (stored === undefined || stored === "unreadable") continue;
    if (await hasSignatureOf(key, stored, rules)) return;
  }
  throw new ClientError(
    "the cache took the signature and does not have it: the path was published with other contents, or has 32 signatures already",
  );
}

/** A false signature with the name of this key would keep the true one out. */
function withoutKey(narinfo: Narinfo, { name }: SecretKey): Narinfo {
  const others = narinfo.signatures.filter((text) => !text.startsWith(`${name}:`));
  return withSignatures(narinfo, others);
}

function describeFinding({ verdict, says }: PathFinding): string {
  return says === "" ? verdict : `${verdict}: ${says}`;
}
