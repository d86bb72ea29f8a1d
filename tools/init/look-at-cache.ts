import { ClientError, describeError } from "../../src/client/client-error.ts";
import { toOneLine } from "../../src/client/plain-text.ts";
import { readElement, readElements } from "../../src/http/s3-xml.ts";
import { parseCacheInfo } from "../../src/nix/cache-info.ts";
import { parseNarinfo } from "../../src/nix/narinfo.ts";
import { parseObjectKey } from "../../src/nix/object-key.ts";
import { parseSignature } from "../../src/nix/signature.ts";
import type { BucketLocation } from "../../src/settings/bucket-settings.ts";
import type { BucketAnswer } from "../canary/bucket-call.ts";
import {
  type CanaryBucket,
  type CanaryEnvironment,
  openBucketFolder,
} from "../canary/canary-bucket.ts";

/** A look at the Nix cache that a bucket holds below its prefix. It only reads. */
export interface CacheInBucket {
  /** The narinfos in the first page of the listing, which has 1,000 names. */
  readonly narinfos: number;
  /** Whether the bucket has more names than that page. */
  readonly hasMore: boolean;
  /** The objects in that page that are no part of a Nix cache. */
  readonly others: number;
  /** The store directory in nix-cache-info, if there is one. */
  readonly storeDir: string | undefined;
  readonly sample: Sample;
}

interface Sample {
  readonly size: number;
  readonly unsigned: number;
  /** The names of the keys that signed, in order. */
  readonly keyNames: readonly string[];
}

const SAMPLE_SIZE = 20;
/** The folders of the gateway and of the canary, which are no objects of a cache. */
const OWN_FOLDERS = /^\.(?:incoming|nargate|canary)\//;

/** Throws a `ClientError` that says what to correct, if the bucket does not answer the listing. */
export async function lookAtCache(
  config: BucketLocation,
  environment: CanaryEnvironment,
): Promise<CacheInBucket> {
  const bucket = openBucketFolder(config, config.prefix, environment);
  const { names, hasMore } = await listFirst(bucket, config);
  const kinds = names.map(kindOf);
  const narinfos = names.filter((_, index) => kinds[index] === "narinfo");
  const storeDir = await readStoreDir(bucket);
  return {
    narinfos: narinfos.length,
    hasMore,
    others: kinds.filter((kind) => kind === "other").length,
    storeDir,
    sample: await readSample(bucket, spread(narinfos), storeDir ?? "/nix/store"),
  };
}

function kindOf(name: string): "narinfo" | "part" | "other" {
  const key = parseObjectKey(`/${name}`);
  if (key.ok) return key.value.kind === "narinfo" ? "narinfo" : "part";
  return OWN_FOLDERS.test(name) ? "part" : "other";
}

/**
 * Returns the prefix of a cache elsewhere in the bucket, if the first page of its
 * listing shows one. Undefined also if the key may not list there.
 */
export async function findCacheElsewhere(
  config: BucketLocation,
  environment: CanaryEnvironment,
): Promise<string | undefined> {
  const bucket = openBucketFolder(config, "", environment);
  const answer = await bucket.send({ method: "GET", query: { "list-type": "2", prefix: "" } });
  if (answer.status !== 200) return undefined;
  const found = keysOf(answer).find((key) => /(?:^|\/)nix-cache-info$/.test(key));
  return found === undefined ? undefined : toOneLine(found.slice(0, -"nix-cache-info".length));
}

async function listFirst(bucket: CanaryBucket, { prefix }: BucketLocation) {
  const request = { method: "GET", query: { "list-type": "2", prefix } } as const;
  const answer = await bucket.send(request).catch((error: unknown) => {
    throw new ClientError(
      `cannot reach the bucket at ${bucket.config.endpoint}: ${describeError(error)}`,
    );
  });
  if (answer.status !== 200) throw new ClientError(explain(answer, bucket.config));
  return {
    names: keysOf(answer)
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length)),
    hasMore: readElement(answer.text, "IsTruncated") === "true",
  };
}

function keysOf({ text }: BucketAnswer): readonly string[] {
  return readElements(text, "Contents").map((xml) => readElement(xml, "Key") ?? "");
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: "the bucket does not know this key ID",
  SignatureDoesNotMatch:
    "the application key does not belong to the key ID, or the region is wrong",
  NoSuchBucket: "there is no bucket of this name at this endpoint",
  AccessDenied: "the key may not list this prefix of this bucket",
};

function explain({ status, code = "" }: BucketAnswer, { bucket, prefix }: BucketLocation): string {
  const why = EXPLANATIONS[code] ?? "the bucket refused to list its objects";
  return `cannot list ${bucket}/${prefix}: ${why} (${status} ${toOneLine(code)})`;
}

async function readStoreDir(bucket: CanaryBucket): Promise<string | undefined> {
  const answer = await bucket.send({ method: "GET", name: "nix-cache-info" });
  if (answer.status !== 200) return undefined;
  const info = parseCacheInfo(answer.text);
  return info.ok ? info.value.storeDir : undefined;
}

async function readSample(
  bucket: CanaryBucket,
  names: readonly string[],
  storeDir: string,
): Promise<Sample> {
  const keyNames = new Set<string>();
  let size = 0;
  let unsigned = 0;
  for (const name of names) {
    const answer = await bucket.send({ method: "GET", name });
    const narinfo = answer.status === 200 ? parseNarinfo(answer.text, storeDir) : undefined;
    if (narinfo?.ok !== true) continue;
    size++;
    const { signatures } = narinfo.value;
    if (signatures.length === 0) unsigned++;
    for (const signature of signatures) {
      const parsed = parseSignature(signature);
      if (parsed.ok) keyNames.add(parsed.value.keyName);
    }
  }
  return { size, unsigned, keyNames: [...keyNames].toSorted().map(toOneLine) };
}

/** Returns names from the whole list, at equal distances. */
function spread(names: readonly string[]): readonly string[] {
  const step = Math.max(1, names.length / SAMPLE_SIZE);
  const length = Math.min(SAMPLE_SIZE, names.length);
  return Array.from({ length }, (_, index) => names[Math.floor(index * step)] ?? "");
}

/** Describes the cache in sentences for a person. */
export function describeCache({ narinfos, hasMore, others, sample }: CacheInBucket): string {
  if (narinfos === 0) {
    return others === 0
      ? "The bucket holds nothing below this prefix yet."
      : `The bucket holds ${count(others, "object")} below this prefix, no part of a Nix cache.`;
  }
  const { size, unsigned, keyNames } = sample;
  const signers = keyNames.join(", ");
  const signed = signers === "" ? "" : ` Others are signed by ${signers}.`;
  const signatures =
    size === 0
      ? "None of those that were looked at can be read."
      : unsigned === 0
        ? `Looked at ${size}: signed by ${signers}.`
        : `Looked at ${size}: ${unsigned} without a signature, which no client accepts.${signed}`;
  const paths = count(narinfos, "path");
  return `The bucket holds a Nix cache with ${hasMore ? "at least " : ""}${paths}.\n${signatures}`;
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}
