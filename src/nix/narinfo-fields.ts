import { err, ok, type Result } from "../result.ts";

/** One line of a narinfo, `name: value\n`. All lines together give the narinfo's text back. */
export interface NarinfoField {
  readonly name: string;
  readonly value: string;
}

export interface NarinfoFields {
  /** All lines, in the order of the text. */
  readonly all: readonly NarinfoField[];
  /** Values of the fields that may appear only once, by name. Nix would take the last of several. */
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
 * The most lines of a narinfo. Nix writes at most 11 lines and one for each
 * signature. Parsing a line costs memory beside its bytes, so many empty lines
 * would cost hundreds of times their size.
 */
const MAX_LINES = 1000;

/**
 * Splits the text of a narinfo into its lines, each a name and a value. Does not
 * check the values. An error names the line by its number, counted from 1.
 *
 * Nix skips one character after the colon, and does not check that it is a
 * space. Nix reads `NarSize:872` as 72. A `References:` without a space makes
 * Nix read the next line as its value. Here that character must be a space.
 * Nix would keep a carriage return or another control character in the value,
 * so these are refused too.
 */
export function parseNarinfoFields(text: string): Result<NarinfoFields> {
  if (text === "") return err("the narinfo is empty");
  if (!text.endsWith("\n")) return err("the last line has no line break at its end");
  if (hasMoreLines(text, MAX_LINES)) return err(`it has more than ${MAX_LINES} lines`);
  const all: NarinfoField[] = [];
  const single = new Map<string, string>();
  for (const [index, line] of text.slice(0, -1).split("\n").entries()) {
    const field = parseLine(line);
    if (!field.ok) return err(`line ${index + 1} ${field.error}`);
    const { name, value } = field.value;
    if (SINGLE_VALUED.has(name)) {
      if (single.has(name)) return err(`line ${index + 1} repeats the field ${name}`);
      single.set(name, value);
    }
    all.push(field.value);
  }
  return ok({ all, single });
}

/**
 * Whether `text` has more than `limit` lines. Counts without splitting the text,
 * because the pieces would already take the memory.
 */
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
