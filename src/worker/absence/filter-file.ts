import { createHash } from "node:crypto";
import { boolean, type InferOutput, number, object, optional, safeParse, string } from "valibot";
import { err, ok, type Result } from "../../result.ts";
import { type HashFilter, sizeOfHashFilter } from "./hash-filter.ts";

const headerSchema = object({
  /** The deployment that built the filter. Only its own isolates believe it. */
  deployment: string(),
  /** Names one build. */
  id: string(),
  /** The time when the listing began, by the bucket's clock, in milliseconds. */
  start: number(),
  /** The filter that this build is compared with. */
  base: optional(string()),
  /**
   * Whether another listing, later by the probation, has shown that every publication
   * since the one before was marked. While it is being built: whether it did so far.
   */
  isConfirmed: boolean(),
  /** The number of narinfos in the filter. */
  count: number(),
  /** The listing goes on behind this path. */
  cursor: string(),
  capacity: number(),
  seed: number(),
});

/** A filter in the bucket, or the part of it that is built. */
export interface FilterFile extends Omit<
  InferOutput<typeof headerSchema>,
  "capacity" | "seed" | "base"
> {
  readonly base: string | undefined;
  readonly filter: HashFilter;
}

const MAGIC = "nargate-absence-1";

/** Bytes of the first line: the magic, a space, a SHA-256 in hex and a line feed. */
const FIRST_LINE = MAGIC.length + 1 + 64 + 1;

const MAX_HEADER_BYTES = 4096;

/** Returns the largest size of a file with a filter of this capacity. */
export function maxFileBytes(capacity: number): number {
  return FIRST_LINE + MAX_HEADER_BYTES + sizeOfHashFilter(capacity);
}

/** Formats a filter: a line with the checksum of the rest, a line of JSON, and the bits. */
export function formatFilterFile({ filter, ...facts }: FilterFile): Uint8Array<ArrayBuffer> {
  const { capacity, seed, bits } = filter;
  const header = new TextEncoder().encode(`${JSON.stringify({ ...facts, capacity, seed })}\n`);
  const file = new Uint8Array(FIRST_LINE + header.length + bits.length);
  file.set(header, FIRST_LINE);
  file.set(bits, FIRST_LINE + header.length);
  const checksum = sha256(file.subarray(FIRST_LINE));
  file.set(new TextEncoder().encode(`${MAGIC} ${checksum}\n`));
  return file;
}

/** Parses a filter. Refuses one that is cut or changed. The error is a predicate. */
export function parseFilterFile(file: Uint8Array<ArrayBuffer>): Result<FilterFile> {
  const decoder = new TextDecoder();
  const rest = file.subarray(FIRST_LINE);
  if (decoder.decode(file.subarray(0, FIRST_LINE)) !== `${MAGIC} ${sha256(rest)}\n`) {
    return err("has a wrong checksum, or another version wrote it");
  }
  const end = rest.indexOf(0x0a);
  const header = safeParse(headerSchema, parseJson(decoder.decode(rest.subarray(0, end))));
  if (!header.success) return err("has a malformed header");
  const { capacity, seed, base, ...facts } = header.output;
  const bits = rest.slice(end + 1);
  if (capacity <= 0 || bits.length !== sizeOfHashFilter(capacity)) return err("has a wrong size");
  return ok({ ...facts, base, filter: { capacity, seed, bits } });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
