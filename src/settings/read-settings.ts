import { parsePublicKey, type PublicKey } from "../nix/signature.ts";
import { err, ok, type Result } from "../result.ts";
import { type BucketLocation, readBucketSettings } from "./bucket-settings.ts";
import { matching, oneOf, type SettingReader } from "./setting-reader.ts";

export const EDGE_ENGINES = ["workers-cache", "cache-api", "off"] as const;
export type EdgeEngine = (typeof EDGE_ENGINES)[number];

/** The settings without which the gateway cannot serve anything. */
export interface ReadSettings {
  readonly bucket: BucketLocation;
  readonly storeDir: string;
  /** Nix asks caches in ascending order of this number. */
  readonly priority: number;
  readonly edge: EdgeEngine;
  /** Another value makes the edge forget every object. */
  readonly edgeEpoch: string;
  /** Whether a read needs a token with the scope `read`. */
  readonly isPrivate: boolean;
  /** The answer for a narinfo while the bucket is unavailable: "fail" is 503, "miss" is 404. */
  readonly bucketDown: "fail" | "miss";
  /**
   * Who answers for an absent narinfo: the bucket, or a filter of all published hashes.
   * "filter" is the operator's word that only this gateway writes into the cache.
   */
  readonly absent: "bucket" | "filter";
  /** "requests" logs every request, "faults" only those that failed on the gateway's side. */
  readonly logs: "requests" | "faults";
  /** Shown to people, who put them into nix.conf. */
  readonly publicKeys: readonly PublicKey[];
  /** The host names, in lower case, that the cache answers to. Empty: to every name. */
  readonly hosts: readonly string[];
}

export const READ_SETTINGS = [
  "STORE_DIR",
  "PRIORITY",
  "EDGE",
  "EDGE_EPOCH",
  "READ_ACCESS",
  "ABSENT",
  "BUCKET_DOWN",
  "LOG",
  "PUBLIC_KEYS",
  "HOSTS",
] as const;

export function readReadSettings(reader: SettingReader): ReadSettings {
  return {
    bucket: readBucketSettings(reader),
    storeDir: reader.optional(
      "STORE_DIR",
      "/nix/store",
      matching(/^(?:\/[\w.+-]+)+$/, "is not an absolute path without a final slash"),
    ),
    priority: reader.optional("PRIORITY", 41, parsePriority),
    edge: reader.optional<EdgeEngine>("EDGE", "workers-cache", oneOf(EDGE_ENGINES)),
    edgeEpoch: reader.optional(
      "EDGE_EPOCH",
      "0",
      matching(/^[\w.-]{1,64}$/, "is not a word of letters, digits and ._-"),
    ),
    isPrivate:
      reader.optional("READ_ACCESS", "public", oneOf(["public", "token"] as const)) === "token",
    bucketDown: reader.optional("BUCKET_DOWN", "fail", oneOf(["fail", "miss"] as const)),
    absent: reader.optional("ABSENT", "bucket", oneOf(["bucket", "filter"] as const)),
    logs: reader.optional("LOG", "requests", oneOf(["requests", "faults"] as const)),
    publicKeys: reader.optional("PUBLIC_KEYS", [], parsePublicKeys),
    hosts: reader.optional("HOSTS", [], parseHosts),
  };
}

function parsePriority(text: string): Result<number> {
  return /^\d{1,6}$/.test(text) ? ok(Number(text)) : err("is not a whole number");
}

/** A name or an IPv4 address, or an IPv6 address in brackets; without a port. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])$/;

function parseHosts(text: string): Result<readonly string[]> {
  const hosts = text.toLowerCase().split(/\s+/);
  const wrong = hosts.findIndex((host) => !HOST.test(host));
  return wrong === -1 ? ok(hosts) : err(`name ${wrong + 1} is not a host name without a port`);
}

/** Parses public keys in Nix's format, separated by white space. Errors name a key by its place. */
export function parsePublicKeys(text: string): Result<readonly PublicKey[]> {
  const keys: PublicKey[] = [];
  for (const [index, word] of text.split(/\s+/).entries()) {
    const key = parsePublicKey(word);
    if (!key.ok) return err(`key ${index + 1} ${key.error}`);
    keys.push(key.value);
  }
  return ok(keys);
}
