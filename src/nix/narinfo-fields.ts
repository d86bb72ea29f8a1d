import { err, ok, type Result } from "../result.ts";

/** One line of a narinfo. Together they give the text back: `name: value\n` each. */
export interface NarinfoField {
  readonly name: string;
  readonly value: string;
}

export interface NarinfoFields {
  /** In order. */
  readonly all: readonly NarinfoField[];
  /** Those that may stand once only, by name. Nix would take the last of several. */
  readonly single: ReadonlyMap<string, string>;
}

const SINGLE_VALUED: ReadonlySet<string> = new Set([
  "StorePath",
  "URL",
  "Compression",
  "FileHash",
  "FileSize",
  "NarHash",
  "NarSize",
  "References",
  "Deriver",
  "CA",
]);

/**
 * The most lines of a narinfo. Nix writes at most 11 and one for each signature.
 * Parsing a line costs memory beside its bytes, so many empty lines would cost
 * hundreds of times their size.
 */
const MAX_LINES = 1000;

/**
 * Takes a narinfo apart into lines.
 *
 * Nix skips one character after the colon, whatever it is: it reads
 * `NarSize:872` as 72, and without its space `References:` swallows the next
 * line. Here that character must be a space. A carriage return or another
 * control character would stay in the value, and is refused as well.
 */
export function parseNarinfoFields(text: string): Result<NarinfoFields> {
  if (text === "") return err("the narinfo is empty");
  if (!text.endsWith("\n")) return err("the last line does not end");
  if (hasMoreLines(text, MAX_LINES)) return err(`it has more than ${MAX_LINES} lines`);
  const all: NarinfoField[] = [];
  const single = new Map<string, string>();
  for (const [index, line] of text.slice(0, -1).split("\n").entries()) {
    const field = parseLine(line);
    if (!field.ok) return err(`line ${index + 1} ${field.error}`);
    const { name, value } = field.value;
    if (SINGLE_VALUED.has(name)) {
      if (single.has(name)) return err(`line ${index + 1} gives ${name} again`);
      single.set(name, value);
    }
    all.push(field.value);
  }
  return ok({ all, single });
}

/** Counts without splitting: the pieces would already take the memory. */
function hasMoreLines(text: string, limit: number): boolean {
  let lines = 0;
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) {
    lines++;
    if (lines > limit) return true;
  }
  return false;
}

function parseLine(line: string): Result<NarinfoField> {
  if (line.endsWith("\r")) return err("ends in a carriage return");
  // oxlint-disable-next-line no-control-regex
  if (/[\0-\x1f\x7f]/.test(line)) return err("holds a control character");
  const colon = line.indexOf(":");
  if (colon === -1) return err("has no colon");
  if (colon === 0) return err("has no name before its colon");
  if (line.charAt(colon + 1) !== " ") return err("has no space after its colon");
  return ok({ name: line.slice(0, colon), value: line.slice(colon + 2) });
}
