import { isKnownCompression } from "../../nix/compression.ts";
import { parseContentAddress } from "../../nix/content-address.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import { parseSignature, type PublicKey } from "../../nix/signature.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { findTrust, readTrueAddress } from "../../nix/trust.ts";
import type { NarState } from "../gateway/look-at-nar.ts";
import { toOneLine } from "../plain-text.ts";
import type { NarProof } from "../prove/prove-nar.ts";

/** The problems that a path of a bucket can have. A path with several has the first of them. */
export const PATH_PROBLEMS = [
  /** No client can read the narinfo, or not all of them can. */
  "unreadable",
  "nar-gone",
  "nar-wrong-size",
  /** The narinfo names a NAR outside `nar/`, perhaps on another server. Nobody has looked for it. */
  "nar-elsewhere",
  /** The NAR unpacks to other contents than the narinfo says, or not at all. */
  "wrong-contents",
  /** Nix refuses a path whose content address does not give its name. */
  "false-address",
  /** A signature has the name of a trusted key, and that key did not make it. */
  "false-signature",
  /** Signed, but by no trusted key. */
  "unknown-key",
  "unsigned",
  /** The NAR is right, and its file has another hash than FileHash or its name. */
  "wrong-file-hash",
  /** It was not possible to unpack the NAR, such as without the program for it. */
  "not-proved",
] as const;
export type PathProblem = (typeof PATH_PROBLEMS)[number];

/** The result of an audit of one path. */
export interface PathJudgement {
  readonly verdict: PathProblem | "ok";
  /** Details, for people. Empty if the verdict says all. */
  readonly says: string;
  /** The names of the keys that signed the path, each once. The signatures may be false. */
  readonly keyNames: readonly string[];
}

/** A path with a problem. */
export interface PathFinding {
  readonly hash: StorePathHash;
  /** The store path. Undefined if its narinfo cannot be read. */
  readonly path: string | undefined;
  readonly verdict: PathProblem;
  readonly says: string;
  readonly keyNames: readonly string[];
}

/** Judges by these: the directory in the fingerprints, and the keys that clients trust. */
export interface AuditRules {
  readonly storeDir: string;
  readonly keys: readonly PublicKey[];
}

/** Judges one path by its narinfo and the state of its NAR. */
export async function judgeNarinfo(
  narinfo: Narinfo,
  nar: NarState,
  { storeDir, keys }: AuditRules,
): Promise<PathJudgement> {
  const parsed = narinfo.signatures.map((text) => parseSignature(text));
  const signatures = parsed.flatMap((one) => (one.ok ? [one.value] : []));
  const keyNames = [...new Set(signatures.map(({ keyName }) => keyName))];
  const judgement = (verdict: PathJudgement["verdict"], says = "") => ({ verdict, says, keyNames });

  if (signatures.length < parsed.length) {
    return judgement("unreadable", "a signature is malformed; Nix 2.34 and later refuse the path");
  }
  if (!isKnownCompression(narinfo.compression)) {
    return judgement("unreadable", "no Nix knows the compression of the NAR");
  }
  const narProblem = judgeNar(narinfo, nar);
  if (narProblem !== undefined) return { ...narProblem, keyNames };
  if (
    narinfo.contentAddress !== undefined &&
    // An address of a newer kind, such as BLAKE3, cannot be checked here.
    parseContentAddress(narinfo.contentAddress).ok &&
    (await readTrueAddress(narinfo, storeDir)) === "false"
  ) {
    return judgement("false-address", `${narinfo.contentAddress} is not the address of this path`);
  }
  if ((await findTrust(narinfo, storeDir, keys)) !== undefined) return judgement("ok");
  const forged = keyNames.filter((name) => keys.some((key) => key.name === name));
  if (forged.length > 0) return judgement("false-signature", `not made by ${forged.join(", ")}`);
  return keyNames.length === 0
    ? judgement("unsigned")
    : judgement("unknown-key", `signed by ${keyNames.join(", ")}`);
}

function judgeNar(
  { url, fileSize }: Narinfo,
  { verdict, sizeBytes }: NarState,
): Omit<PathJudgement, "keyNames"> | undefined {
  switch (verdict) {
    case "there":
      return undefined;
    case "MISSING":
      return { verdict: "nar-gone", says: url };
    case "WRONG SIZE":
      return {
        verdict: "nar-wrong-size",
        says: `${url} has ${sizeBytes} bytes, and its narinfo says ${fileSize}`,
      };
    case "elsewhere":
    case "unknown":
      return { verdict: "nar-elsewhere", says: url };
  }
}

/** Whether there is a NAR that a proof could judge, and someone who could use it. */
export function isWorthProving({ verdict }: PathJudgement, nar: NarState): boolean {
  return verdict !== "unreadable" && (nar.verdict === "there" || nar.verdict === "WRONG SIZE");
}

/** Joins what the narinfo and what the contents of the NAR have shown. */
export function withProof(judgement: PathJudgement, { verdict, says }: NarProof): PathJudgement {
  // Wrong contents also explain a wrong size, and are worse than a signature.
  if (verdict === "wrong-contents") return { ...judgement, verdict, says };
  if (judgement.verdict !== "ok" || verdict === "proved") return judgement;
  return { ...judgement, verdict, says };
}

/**
 * Whether a new signature is all that the path lacks. Broken paths are left out, and so
 * are paths with a false signature: someone may have changed their narinfo.
 */
export function lacksOnlySignature({ verdict }: Pick<PathJudgement, "verdict">): boolean {
  return verdict === "unsigned" || verdict === "unknown-key";
}

/** A narinfo may be 4 MB of made-up names. This much is kept of it. */
const MAX_KEY_NAMES = 32;

/** Returns undefined if the path has no problem. */
export function toFinding(
  hash: StorePathHash,
  path: string,
  { verdict, says, keyNames }: PathJudgement,
): PathFinding | undefined {
  if (verdict === "ok") return undefined;
  const names = keyNames.slice(0, MAX_KEY_NAMES).map(toOneLine);
  return { hash, path, verdict, says: toOneLine(says), keyNames: names };
}
