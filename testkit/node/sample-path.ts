import { createHash } from "node:crypto";
import { narExtension } from "../../src/nix/compression.ts";
import { encodeNix32 } from "../../src/nix/encodings.ts";
import { formatFingerprint } from "../../src/nix/fingerprint.ts";
import { formatNarinfo, parseNarinfo, withSignatures } from "../../src/nix/narinfo.ts";
import { parseSecretKey, signMessage } from "../../src/nix/signature.ts";
import { type StorePathHash, parseStorePath } from "../../src/nix/store-path.ts";
import { valueOf } from "../value-of.ts";

/** A made-up store path, with the objects that a cache would have for it. */
export interface SamplePath {
  readonly hash: StorePathHash;
  readonly storePath: string;
  readonly baseName: string;
  readonly narUrl: string;
  readonly nar: Buffer;
  readonly narinfo: string;
}

export interface SampleOptions {
  readonly references?: readonly SamplePath[];
  /** The keys that sign the narinfo, in Nix's format. */
  readonly secretKeys?: readonly string[];
  /** Packs the NAR. Without it the NAR is its own file. */
  readonly packed?: { readonly compression: string; pack(nar: Buffer): Buffer };
  /** More lines for the narinfo. */
  readonly lines?: readonly string[];
}

/** Makes a store path from a name. */
export async function samplePath(
  name: string,
  { references = [], secretKeys = [], packed, lines = [] }: SampleOptions = {},
): Promise<SamplePath> {
  const baseName = `${encodeNix32(createHash("sha256").update(name).digest().subarray(0, 20))}-${name}`;
  const storePath = `/nix/store/${baseName}`;
  // Not a real NAR: the tests do not read files out of it.
  const contents = Buffer.from(`the NAR of ${name}`);
  const nar = packed?.pack(contents) ?? contents;
  const digest = digestOf(nar);
  const narUrl = `nar/${digest}.nar${narExtension(packed?.compression ?? "none")}`;
  const unsigned = [
    `StorePath: ${storePath}`,
    `URL: ${narUrl}`,
    `Compression: ${packed?.compression ?? "none"}`,
    `FileHash: sha256:${digest}`,
    `FileSize: ${nar.byteLength}`,
    `NarHash: sha256:${digestOf(contents)}`,
    `NarSize: ${contents.byteLength}`,
    `References: ${references.map((path) => path.baseName).join(" ")}`,
    ...lines,
    "",
  ].join("\n");
  const narinfo = valueOf(parseNarinfo(unsigned, "/nix/store"));
  const message = formatFingerprint(narinfo, "/nix/store");
  const signatures = await Promise.all(
    secretKeys.map((key) => signMessage(valueOf(parseSecretKey(key)), message)),
  );
  const { hash } = valueOf(parseStorePath(storePath, "/nix/store"));
  const text = formatNarinfo(withSignatures(narinfo, [...narinfo.signatures, ...signatures]));
  return { hash, storePath, baseName, narUrl, nar, narinfo: text };
}

function digestOf(bytes: Buffer): string {
  return encodeNix32(createHash("sha256").update(bytes).digest());
}
