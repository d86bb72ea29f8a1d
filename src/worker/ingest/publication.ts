import { equalFingerprints } from "../../nix/fingerprint.ts";
import { mergeSignatures } from "../../nix/merge-signatures.ts";
import { type Narinfo, withSignatures } from "../../nix/narinfo.ts";

/** What becomes of a narinfo that is put under a name. */
export type Publication =
  /** Nothing was there: `narinfo` is written. */
  | { readonly outcome: "published"; readonly narinfo: Narinfo }
  /** The same contents are there and lacked a signature: `narinfo` is the first with all of them. */
  | { readonly outcome: "signed"; readonly narinfo: Narinfo }
  /** Nothing new: nothing is written. */
  | { readonly outcome: "kept" }
  /** Other contents are there (law 3): the first stays. */
  | { readonly outcome: "conflict"; readonly published: Narinfo };

/**
 * Decides what a push changes. A published path keeps its NarHash, NarSize and
 * References, and also where its NAR is; signatures are only ever added.
 */
export function decidePublication(published: Narinfo | undefined, incoming: Narinfo): Publication {
  if (published === undefined) return { outcome: "published", narinfo: incoming };
  if (!equalFingerprints(published, incoming)) return { outcome: "conflict", published };
  const signatures = mergeSignatures(published.signatures, incoming.signatures);
  return signatures.length === published.signatures.length
    ? { outcome: "kept" }
    : { outcome: "signed", narinfo: withSignatures(published, signatures) };
}
