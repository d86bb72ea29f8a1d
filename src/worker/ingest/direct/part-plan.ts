import { MAX_PARTS, PART_SIZE_THRESHOLD_BYTES } from "../../../api/direct-uploads.ts";

const MIB = 1024 * 1024;

/** What every part of a NAR of `sizeBytes` has but the last: whole MiB. */
export function partSizeOf(sizeBytes: number): number {
  const least = Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB;
  return Math.max(PART_SIZE_THRESHOLD_BYTES, least);
}

export function partCountOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / partSizeOf(sizeBytes));
}

/** The size of part `number`, counted from 1; 0 past the last. */
export function sizeOfPart(number: number, sizeBytes: number): number {
  const partSize = partSizeOf(sizeBytes);
  return Math.max(0, Math.min(partSize, sizeBytes - (number - 1) * partSize));
}

/** Of which number and size a part is; whether it came from the bucket or was promised. */
export interface PartSize {
  readonly number: number;
  readonly sizeBytes: number;
}

/** Every part of a NAR, in order. */
export function allParts(sizeBytes: number): readonly PartSize[] {
  return Array.from({ length: partCountOf(sizeBytes) }, (_, index) => ({
    number: index + 1,
    sizeBytes: sizeOfPart(index + 1, sizeBytes),
  }));
}

/** The parts that are as they must be: a number of the plan, and its size. */
export function goodParts<T extends PartSize>(stored: readonly T[], sizeBytes: number): T[] {
  const count = partCountOf(sizeBytes);
  return stored.filter(
    (part) =>
      part.number >= 1 &&
      part.number <= count &&
      part.sizeBytes === sizeOfPart(part.number, sizeBytes),
  );
}

/** The numbers that `stored` lacks, or has in another size, in order. */
export function missingParts(stored: readonly PartSize[], sizeBytes: number): readonly number[] {
  const good = new Set(goodParts(stored, sizeBytes).map(({ number }) => number));
  return allParts(sizeBytes)
    .map(({ number }) => number)
    .filter((number) => !good.has(number));
}
