import { MAX_PARTS, PART_SIZE_THRESHOLD_BYTES } from "../../../api/direct-uploads.ts";

const MIB = 1024 * 1024;

/** Returns the bytes of every part but the last, for a NAR of `sizeBytes`. They are whole MiB. */
export function partSizeOf(sizeBytes: number): number {
  const least = Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB;
  return Math.max(PART_SIZE_THRESHOLD_BYTES, least);
}

export function partCountOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / partSizeOf(sizeBytes));
}

/** Returns the bytes of part `number`, counted from 1. Past the last part it returns 0. */
export function sizeOfPart(number: number, sizeBytes: number): number {
  const partSize = partSizeOf(sizeBytes);
  return Math.max(0, Math.min(partSize, sizeBytes - (number - 1) * partSize));
}

/** Number and size of a part, as the plan has them or as the bucket lists them. */
export interface PartSize {
  readonly number: number;
  readonly sizeBytes: number;
}

/** Returns every part of a NAR, in order. */
export function allParts(sizeBytes: number): readonly PartSize[] {
  return Array.from({ length: partCountOf(sizeBytes) }, (_, index) => ({
    number: index + 1,
    sizeBytes: sizeOfPart(index + 1, sizeBytes),
  }));
}

/** Returns the stored parts that fit the plan: a number of the plan, with its size. */
export function goodParts<T extends PartSize>(stored: readonly T[], sizeBytes: number): T[] {
  const count = partCountOf(sizeBytes);
  return stored.filter(
    (part) =>
      part.number >= 1 &&
      part.number <= count &&
      part.sizeBytes === sizeOfPart(part.number, sizeBytes),
  );
}

/** Returns the part numbers that `stored` lacks or has with a wrong size, in order. */
export function missingParts(stored: readonly PartSize[], sizeBytes: number): readonly number[] {
  const good = new Set(goodParts(stored, sizeBytes).map(({ number }) => number));
  return allParts(sizeBytes)
    .map(({ number }) => number)
    .filter((number) => !good.has(number));
}
