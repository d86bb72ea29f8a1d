import { isUtf8 } from "node:buffer";
import { err, ok, type Result } from "../../result.ts";

/**
 * Receives the files of a store path in the order of its NAR, and writes the
 * listing of the NAR from them: the JSON that `nix copy` stores as `<hash>.ls` with
 * `write-nar-listing=1` (`listNar` in libstore/nar-accessor.cc).
 */
export interface ListingWriter {
  beginDirectory(): void;
  /** The name of the next file in the directory. */
  entry(name: Uint8Array): void;
  endDirectory(): void;
  /** `narOffset` is the position of the contents in the NAR. */
  regular(sizeBytes: number, isExecutable: boolean, narOffset: number): void;
  symlink(target: Uint8Array): void;
  /** Returns the listing, or the reason why there is none. */
  text(): Result<string>;
}

/**
 * Creates a writer. It keeps only text, and stops keeping it above `maxBytes`. The
 * text is written by hand and not from an object: an object would put a file that is
 * named by a number in front of the others, and lose a file named `__proto__`.
 */
export function createListingWriter(maxBytes: number): ListingWriter {
  let pieces: string[] = ['{"version":1,"root":'];
  let bytes = 0;
  let isFirst = true;
  let problem: string | undefined;

  function add(piece: string): void {
    if (problem !== undefined) return;
    bytes += Buffer.byteLength(piece);
    if (bytes > maxBytes) fail(`it is larger than ${maxBytes} bytes`);
    else pieces.push(piece);
  }

  function fail(reason: string): void {
    problem ??= reason;
    pieces = [];
  }

  function quote(text: Uint8Array): string {
    // JSON is UTF-8. Nix throws an error here, and then does not push the path.
    if (!isUtf8(text)) fail("a name or the target of a symlink in it is not UTF-8");
    return JSON.stringify(Buffer.from(text).toString());
  }

  return {
    beginDirectory() {
      add('{"type":"directory","entries":{');
      isFirst = true;
    },
    entry(name) {
      add(`${isFirst ? "" : ","}${quote(name)}:`);
      isFirst = false;
    },
    endDirectory() {
      add("}}");
      isFirst = false;
    },
    regular(sizeBytes, isExecutable, narOffset) {
      const executable = isExecutable ? ',"executable":true' : "";
      add(`{"type":"regular","size":${sizeBytes}${executable},"narOffset":${narOffset}}`);
    },
    symlink: (target) => add(`{"type":"symlink","target":${quote(target)}}`),
    text: () => (problem === undefined ? ok(`${pieces.join("")}}`) : err(problem)),
  };
}
