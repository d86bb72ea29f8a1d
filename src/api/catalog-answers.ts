import {
  array,
  boolean,
  type InferOutput,
  nullable,
  number,
  object,
  optional,
  pipe,
  readonly,
  record,
  string,
} from "valibot";

// The worker imports only the types of this file: it writes these answers and never
// reads one. All times are in ISO format, by the gateway's clock.

/** How far the catalog is to be believed. */
const knowledge = {
  /** False while the first listing of the bucket runs: paths may be left out. */
  complete: boolean(),
  /** The catalog has seen every write before this time, whoever made it. */
  listedFrom: nullable(string()),
};

/** A path of a list. */
export const listedPathSchema = object({
  hash: string(),
  /** Null if the narinfo cannot be read. */
  name: nullable(string()),
  /** Bytes, unpacked. */
  narSize: nullable(number()),
  /** Bytes of the NAR as it is stored. */
  fileSize: nullable(number()),
  pushedAt: nullable(string()),
  usedAt: nullable(string()),
});
export type ListedPath = Readonly<InferOutput<typeof listedPathSchema>>;

/** Answer of `GET /api/v1/paths` and of `GET /api/v1/search`. */
export const pathPageSchema = object({
  ...knowledge,
  paths: pipe(array(listedPathSchema), readonly()),
  /** The value of `after` that gives the next page. Null on the last page. */
  next: nullable(string()),
});
export type PathPage = Readonly<InferOutput<typeof pathPageSchema>>;

const relatedPath = object({
  hash: string(),
  name: nullable(string()),
  /** Whether the cache has it. */
  present: boolean(),
});

/** Answer of `GET /api/v1/paths/<hash>`: what the catalog knows of one path. */
export const knownPathSchema = object({
  ...knowledge,
  hash: string(),
  name: nullable(string()),
  /** False if only other paths name it: then the facts below are null or empty. */
  present: boolean(),
  /** Why the gateway cannot read the narinfo. Null if it can. */
  problem: nullable(string()),
  /** Such as `nar/<hash>.nar.zst`. Null if the NAR is on another server. */
  nar: nullable(string()),
  /** In nix32. */
  narHash: nullable(string()),
  narSize: nullable(number()),
  fileSize: nullable(number()),
  deriver: nullable(string()),
  contentAddress: nullable(string()),
  signatures: pipe(
    array(
      object({
        keyName: string(),
        /** "valid", "false", "unknown-key", "malformed" or "unchecked". A newer gateway may know more. */
        verdict: string(),
      }),
    ),
    readonly(),
  ),
  /** Who pushed it. Null if it was found in the bucket. */
  push: nullable(
    object({
      /** The name of the token, or of the identity of an OIDC token. */
      by: string(),
      at: string(),
      /** Claims of the OIDC token, such as `repository`, `ref`, `sha` and `run_id`, as its issuer wrote them. */
      claims: record(string(), string()),
    }),
  ),
  pushedAt: nullable(string()),
  /** The last day or so on which the bucket was asked for it. The edge answers most readers. */
  usedAt: nullable(string()),
  /** How long its build took, if the pusher knew. */
  buildSeconds: nullable(number()),
  /** Without the path itself. */
  references: pipe(array(relatedPath), readonly()),
  /** The paths that refer to it: the first 100 of them, and their number up to 1,000. */
  referrers: object({
    count: number(),
    /** Whether there are more than `count`. */
    more: boolean(),
    first: pipe(array(relatedPath), readonly()),
  }),
});
export type KnownPath = Readonly<InferOutput<typeof knownPathSchema>>;

/** One line of the answer of `GET /api/v1/paths/<hash>/closure`. */
export const closurePathSchema = object({
  hash: string(),
  name: nullable(string()),
  present: boolean(),
  narSize: nullable(number()),
  fileSize: nullable(number()),
});
export type ClosurePath = Readonly<InferOutput<typeof closurePathSchema>>;

/** The last line of that answer. */
export const closureTotalsSchema = object({
  totals: object({
    ...knowledge,
    /** The paths of the closure that the cache has. */
    paths: number(),
    /** The paths that it lacks. Their own references are not known. */
    missing: number(),
    narSize: number(),
    /** Bytes as stored. Paths that share a NAR count it once. */
    fileSize: number(),
    /** Whether the closure has more paths than the gateway walks. */
    more: boolean(),
  }),
});
export type ClosureTotals = Readonly<InferOutput<typeof closureTotalsSchema>>;

/** The last line of the answer of `GET /api/v1/paths/<hash>/dependents`. */
export const dependentsEndSchema = object({
  dependents: object({
    ...knowledge,
    paths: number(),
    /** Whether more paths need it than the gateway walks. */
    more: boolean(),
  }),
});
export type DependentsEnd = Readonly<InferOutput<typeof dependentsEndSchema>>;

/** Answer of `GET /api/v1/stats`. */
export const catalogStatsSchema = object({
  ...knowledge,
  /** A share from 0 to 1 of the listing that runs now. Null if none runs. */
  listing: nullable(number()),
  /** A code of `failures/failures.ts`: why the bucket could not be listed. */
  failure: nullable(string()),
  paths: number(),
  /** Bytes, unpacked. */
  narSize: number(),
  /** The NARs in the bucket and their bytes, by the last listing. */
  storedNars: nullable(number()),
  storedBytes: nullable(number()),
  /** NARs that no path names, up to 10,000. */
  looseNars: number(),
  looseBytes: number(),
  /** Narinfos that the gateway cannot read. */
  unreadable: number(),
  pushes: number(),
  lastPush: nullable(object({ by: string(), at: string() })),
  databaseBytes: number(),
  /** The rows that the catalog has read and written since its object was last started, as Cloudflare bills them. */
  rows: optional(object({ read: number(), written: number() })),
});
export type CatalogStats = Readonly<InferOutput<typeof catalogStatsSchema>>;
