import { join, resolve } from "node:path";
import { UsageError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";

/** The nix.conf of everyone on this machine, which the daemon reads. */
export function systemNixConf({ env }: Pick<ProcessContext, "env">): string {
  return join(env["NIX_CONF_DIR"] ?? "/etc/nix", "nix.conf");
}

/** This user's own: of several in NIX_USER_CONF_FILES the first, which Nix reads last. */
export function userNixConf({ env, cwd }: Pick<ProcessContext, "env" | "cwd">): string {
  const [first = ""] = (env["NIX_USER_CONF_FILES"] ?? "").split(":");
  if (first !== "") return resolve(cwd, first);
  const home = env["HOME"] ?? "";
  const config = env["XDG_CONFIG_HOME"] || (home === "" ? "" : join(home, ".config"));
  if (config === "") throw new UsageError("HOME is not set; name the nix.conf with --file");
  return join(config, "nix/nix.conf");
}

/** A setting of Nix that is a list, and the other name that older files have for it. */
interface ListSetting {
  readonly name: string;
  readonly alias: string;
}

export const SUBSTITUTERS: ListSetting = { name: "substituters", alias: "binary-caches" };
export const TRUSTED_KEYS: ListSetting = {
  name: "trusted-public-keys",
  alias: "binary-cache-public-keys",
};

interface Line {
  readonly text: string;
  /** Undefined for comments, blank lines, and what Nix would refuse. */
  readonly setting: string | undefined;
  readonly values: readonly string[];
}

/**
 * The text of a nix.conf with `values` added to a list, and every other byte as
 * it was. The same text where it has them already.
 *
 * Nix reads from the top: `extra-x` adds to the list, and `x` starts it anew, so
 * that only what stands below the last `x` counts (libutil/config.cc). A line
 * that is there already is lengthened rather than followed by a second one, of
 * which Nix before 2.4 takes the last alone.
 */
export function addToNixConf(
  text: string,
  { name, alias }: ListSetting,
  values: readonly string[],
): string {
  const lines = splitLines(text);
  const isPlain = ({ setting }: Line) => setting === name || setting === alias;
  const isExtra = ({ setting }: Line) =>
    setting === `extra-${name}` || setting === `extra-${alias}`;
  const start = Math.max(0, lines.findLastIndex(isPlain));
  const counting = lines.slice(start).filter((line) => isPlain(line) || isExtra(line));
  const present = new Set(counting.flatMap((line) => line.values));
  const missing = [...new Set(values)].filter((value) => !present.has(value));
  if (missing.length === 0) return text;

  const last = lines.findLastIndex(isExtra);
  // An included file may start the list anew, and only Nix knows what it says.
  const barrier = lines.findLastIndex((line) => isPlain(line) || isInclude(line));
  if (last > barrier) {
    return joinLines(
      lines.map((line, at) => (at === last ? lengthen(line.text, missing) : line.text)),
    );
  }
  return appendLine(text, `extra-${name} = ${missing.join(" ")}`);
}

/** The value that a nix.conf gives a setting; undefined where it gives none. */
export function readNixConf(text: string, name: string): string | undefined {
  return splitLines(text)
    .findLast(({ setting }) => setting === name)
    ?.values.join(" ");
}

/** The text with one more line, whether or not its last one ends. */
export function appendLine(text: string, line: string): string {
  const isEnded = text === "" || text.endsWith("\n");
  return `${text}${isEnded ? "" : "\n"}${line}\n`;
}

/** As `AbstractConfig::applyConfig` reads a line: words, of which the second is "=". */
function splitLines(text: string): readonly Line[] {
  return text.split("\n").map((line) => {
    const [setting, equals, ...values] = (line.split("#", 1)[0] ?? "")
      .split(/[ \t\r]+/)
      .filter((word) => word !== "");
    if (equals !== "=" && !isIncludeWord(setting)) {
      return { text: line, setting: undefined, values: [] };
    }
    return { text: line, setting, values };
  });
}

function joinLines(lines: readonly string[]): string {
  return lines.join("\n");
}

function isInclude({ setting }: Line): boolean {
  return isIncludeWord(setting);
}

function isIncludeWord(word: string | undefined): boolean {
  return word === "include" || word === "!include";
}

/** Before a comment, which would swallow what follows it. */
function lengthen(line: string, values: readonly string[]): string {
  const [, before = "", after = ""] = /^([^#]*?)(\s*(?:#.*)?)$/s.exec(line) ?? [];
  return `${before} ${values.join(" ")}${after}`;
}
