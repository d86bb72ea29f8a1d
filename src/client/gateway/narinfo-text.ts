import zlib from "node:zlib";
import { parseNarinfo, type Narinfo } from "../../nix/narinfo.ts";
import { ok, type Result } from "../../result.ts";

// The gateway inspects 256 KiB and writes 2 MiB at most.
const MAX_TEXT_BYTES = 8 * 1024 * 1024;

const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** The first bytes of xz, bzip2 and gzip, which a narinfo never begins with. */
const OTHER_MAGIC = [
  Buffer.from("\u{fd}7zXZ", "latin1"),
  Buffer.from("BZh"),
  Buffer.from([0x1f, 0x8b]),
];

/**
 * Parses the body of a narinfo. It may be stored in zstd, as niks3 and Nix with
 * narinfo-compression write it; fetch decodes gzip and br. Returns "unreadable" for
 * a compression that only Nix can unpack.
 */
export function parseStoredNarinfo(body: Buffer, storeDir: string): Result<Narinfo | "unreadable"> {
  const startsWith = (magic: Buffer) => body.subarray(0, magic.length).equals(magic);
  if (OTHER_MAGIC.some(startsWith)) return ok("unreadable");
  if (!startsWith(ZSTD_MAGIC)) return parseNarinfo(body.toString(), storeDir);
  try {
    const text = zlib.zstdDecompressSync(body, { maxOutputLength: MAX_TEXT_BYTES }).toString();
    const narinfo = parseNarinfo(text, storeDir);
    // Node unpacks what there is of a zstd that is cut.
    return narinfo.ok ? narinfo : ok("unreadable");
  } catch {
    return ok("unreadable");
  }
}
