import { type Narinfo, parseNarinfo } from "../src/nix/narinfo.ts";
import { type NarinfoKey, narinfoKey } from "../src/nix/object-key.ts";
import { valueOf } from "./value-of.ts";

const parse = (text: string): Narinfo => valueOf(parseNarinfo(text, "/nix/store"));

/** The name under which a narinfo is put. */
export function keyOfNarinfo(text: string): NarinfoKey {
  return narinfoKey(parse(text).storePath.hash);
}

export function narPathOf(text: string): string {
  return parse(text).url;
}

export function fileSizeOf(text: string): number {
  const { fileSize } = parse(text);
  if (fileSize === undefined) throw new Error("the narinfo has no FileSize");
  return fileSize;
}

/** Puts a NAR of the size and name that the narinfo gives into the bucket. */
export function putNarOf(
  bucket: { setText(path: string, text: string): void },
  text: string,
): void {
  bucket.setText(narPathOf(text), "x".repeat(fileSizeOf(text)));
}
