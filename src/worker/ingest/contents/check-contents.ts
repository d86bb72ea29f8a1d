import { formatHash } from "../../../nix/hash.ts";
import type { Narinfo } from "../../../nix/narinfo.ts";
import { CacheError } from "../../cache-error.ts";
import type { Judgement } from "./nar-contents.ts";

/** A pushed narinfo beside the published narinfo of the same path. */
export interface PublicationCheck {
  readonly incoming: Narinfo;
  readonly published: Narinfo | undefined;
  /** Whether both say the same of the path: its contents and its references. */
  readonly isSamePath: boolean;
  /** Whether the pushed narinfo fits a new publication, with its NAR in the bucket. */
  readonly isPublishable: boolean;
  /** Whether the published narinfo would gain the gateway's signature. */
  readonly wantsSignature: boolean;
}

export interface ContentsDecision {
  /** Whether the NAR of the narinfo that stays or comes holds what it says: the gateway may sign it. */
  readonly isProved: boolean;
  /**
   * Whether the pushed narinfo takes the place of the published one, whose NAR holds
   * something else. Clients refuse such a path, so law 3 protects nothing there.
   */
  readonly replaces: boolean;
  /** The reason why the gateway cannot prove the NAR. */
  readonly unproved?: string;
}

/** Judges one narinfo. `isStored`: see `ContentsProver`. */
export type Judge = (narinfo: Narinfo, isStored: boolean) => Promise<Judgement>;

const KEPT: ContentsDecision = { isProved: false, replaces: false };

/**
 * Decides by the contents of NARs what may become of a pushed narinfo. Throws
 * `contents-disproved` for a narinfo whose NAR does not hold what it says. Unpacks as
 * little as it can: a published path that gains nothing by a proof is not unpacked.
 */
export async function checkContents(
  { incoming, published, isSamePath, isPublishable, wantsSignature }: PublicationCheck,
  judge: Judge,
): Promise<ContentsDecision> {
  if (published === undefined) return await proveOrThrow(incoming, judge, true);
  if (isSamePath && published.url === incoming.url) {
    const isStored = isPublishable && published.fileSize === incoming.fileSize;
    return wantsSignature ? await proveOrThrow(published, judge, isStored) : KEPT;
  }
  // A repeated push of signatures, which brings no NAR.
  if (!isPublishable && !wantsSignature) return KEPT;
  const { verdict } = await judgePublished(published, judge);
  if (verdict === "proved") return { isProved: isSamePath, replaces: false };
  if (verdict !== "disproved" || !isPublishable) return KEPT;
  const { isProved } = await proveOrThrow(incoming, judge, true);
  return { isProved, replaces: isProved };
}

async function proveOrThrow(
  narinfo: Narinfo,
  judge: Judge,
  isStored: boolean,
): Promise<ContentsDecision> {
  const judgement = await judge(narinfo, isStored);
  if (judgement.verdict === "proved") return { isProved: true, replaces: false };
  const { says } = judgement;
  if (judgement.verdict === "unknown") return { isProved: false, replaces: false, unproved: says };
  throw new CacheError("contents-disproved", `${narinfo.url}: ${says}`, {
    subject: `${says} (${formatHash(narinfo.narHash, "nix32")}, ${narinfo.url}).`,
  });
}

async function judgePublished(narinfo: Narinfo, judge: Judge): Promise<Judgement> {
  try {
    return await judge(narinfo, false);
  } catch (error) {
    // A GET that finds no NAR proves less than `readPublished` has looked for.
    if (!(error instanceof CacheError) || error.code !== "nar-absent") throw error;
    return { verdict: "unknown", says: "its NAR is gone" };
  }
}
