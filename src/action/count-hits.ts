import type { PathInfo } from "../client/local-nix/path-info.ts";

/** Where the paths came from that a job did not begin with. */
export interface Hits {
  /** Signed by a key of this cache. */
  readonly fromCache: Tally;
  readonly fromElsewhere: Tally;
  /** Built here, or added to the store as sources are. */
  readonly made: Tally;
}

export interface Tally {
  readonly paths: number;
  /** Unpacked. */
  readonly narBytes: number;
}

/**
 * Counts them by what the store says of each. A path that several caches have
 * signed counts as this one's: Nix does not keep where it was pulled from.
 */
export function countHits(infos: readonly PathInfo[], publicKeys: readonly string[]): Hits {
  const names = publicKeys.map((key) => key.slice(0, key.indexOf(":") + 1));
  const isOurs = ({ signatures }: PathInfo) =>
    signatures.some((signature) => names.some((name) => signature.startsWith(name)));
  const pulled = infos.filter((info) => !isMade(info));
  return {
    fromCache: tally(pulled.filter(isOurs)),
    fromElsewhere: tally(pulled.filter((info) => !isOurs(info))),
    made: tally(infos.filter(isMade)),
  };
}

function isMade({ isUltimate, signatures }: PathInfo): boolean {
  return isUltimate || signatures.length === 0;
}

function tally(infos: readonly PathInfo[]): Tally {
  return {
    paths: infos.length,
    narBytes: infos.reduce((total, { narSize }) => total + narSize, 0),
  };
}
