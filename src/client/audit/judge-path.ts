import { MAX_STORED_NARINFO_BYTES, type Narinfo } from "../../nix/narinfo.ts";
import { narinfoKey } from "../../nix/object-key.ts";
import { formatStorePath, type StorePathHash } from "../../nix/store-path.ts";
import type { BucketReader } from "../bucket/bucket-reader.ts";
import { OversizedAnswer, Unreachable } from "../gateway/http-client.ts";
import { parseStoredNarinfo } from "../gateway/narinfo-text.ts";
import type { NarProof } from "../prove/prove-nar.ts";
import {
  type AuditRules,
  isWorthProving,
  judgeNarinfo,
  type PathFinding,
  toFinding,
  withProof,
} from "./judge-narinfo.ts";
import { findNar, type NarTable } from "./nar-table.ts";

export interface JudgedPath {
  readonly hash: StorePathHash;
  /** Undefined if the path has no problem; "vanished" if it was deleted since the listing. */
  readonly finding: PathFinding | "vanished" | undefined;
  /** Undefined if it cannot be read. */
  readonly narinfo: Narinfo | undefined;
}

export interface PathJudge {
  readonly bucket: BucketReader;
  readonly nars: NarTable;
  readonly rules: AuditRules;
  /** Unpacks a NAR. Without it no NAR is read. */
  readonly prove: ((narinfo: Narinfo) => Promise<NarProof>) | undefined;
}

/** Reads and judges one path of a bucket. */
export async function judgePath(
  hash: StorePathHash,
  { bucket, nars, rules, prove }: PathJudge,
): Promise<JudgedPath> {
  const read = await readListedNarinfo(hash, bucket, rules.storeDir);
  if (read === "vanished") return { hash, finding: "vanished", narinfo: undefined };
  if ("unreadable" in read) {
    const { unreadable: says } = read;
    const finding = { hash, path: undefined, verdict: "unreadable", says, keyNames: [] } as const;
    return { hash, finding, narinfo: undefined };
  }
  const nar = await findNar(read, nars, bucket);
  const judgement = await judgeNarinfo(read, nar, rules);
  const whole =
    prove !== undefined && isWorthProving(judgement, nar)
      ? withProof(judgement, await prove(read))
      : judgement;
  const path = formatStorePath(read.storePath, rules.storeDir);
  return { hash, finding: toFinding(hash, path, whole), narinfo: read };
}

/** `unreadable` says why, for people. */
type ReadNarinfo = Narinfo | "vanished" | { readonly unreadable: string };

/**
 * Reads the narinfo of a path that was listed. Returns "vanished" if it does not exist any
 * more. Throws if the bucket fails.
 */
export async function readListedNarinfo(
  hash: StorePathHash,
  bucket: Pick<BucketReader, "read" | "sizeOf">,
  storeDir: string,
): Promise<ReadNarinfo> {
  const { path } = narinfoKey(hash);
  let body: Buffer | undefined;
  try {
    body = await bucket.read(path, MAX_STORED_NARINFO_BYTES);
  } catch (error) {
    if (error instanceof OversizedAnswer) return { unreadable: TOO_LARGE };
    // If the bucket answers about the object and does not give it, the object is at fault,
    // such as a body that is not in its Content-Encoding. Otherwise this throws too.
    if (!(error instanceof Unreachable)) throw error;
    await bucket.sizeOf(path);
    return { unreadable: "its contents do not arrive, after several attempts" };
  }
  if (body === undefined) return "vanished";
  const narinfo = parseStoredNarinfo(body, storeDir);
  if (!narinfo.ok) return { unreadable: narinfo.error };
  if (narinfo.value === "unreadable") {
    return { unreadable: "stored in a compression that only Nix reads" };
  }
  if (narinfo.value.storePath.hash !== hash) {
    return { unreadable: "it is about another store path" };
  }
  return narinfo.value;
}

const TOO_LARGE = `longer than ${MAX_STORED_NARINFO_BYTES / 1024 / 1024} MB`;
