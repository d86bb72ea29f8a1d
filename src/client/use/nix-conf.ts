import { stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { UsageError } from "../client-error.ts";
import { configHome } from "../config-home.ts";
import type { ProcessContext } from "../process-context.ts";

/** Returns the nix.conf of the system. The daemon reads only this one. */
export function systemNixConf({ env }: Pick<ProcessContext, "env">): string {
  return join(env["NIX_CONF_DIR"] ?? "/etc/nix", "nix.conf");
}

/**
 * Returns this user's own nix.conf. If NIX_USER_CONF_FILES names several, it is
 * the first, which Nix reads last.
 */
export async function userNixConf({
  env,
  cwd,
}: Pick<ProcessContext, "env" | "cwd">): Promise<string> {
  const [first = ""] = (env["NIX_USER_CONF_FILES"] ?? "").split(":");
  if (first !== "") return resolve(cwd, first);
  const config = configHome(env, await findHome(env["HOME"] ?? ""));
  if (config === undefined)
    throw new UsageError(
      "HOME is not set, so the place of your nix.conf is unknown. Name the file with --file",
    );
  return join(config, "nix/nix.conf");
}

/**
 * Returns the home that Nix uses: HOME, unless the directory belongs to another user,
 * as after `sudo` (`getHome` in libutil/users.cc).
 */
async function findHome(home: string): Promise<string> {
  const owner = await stat(home).catch(() => undefined);
  const isOwn = owner === undefined || owner.uid === process.geteuid?.();
  return isOwn ? home : userInfo().homedir;
}

/**
 * Returns the file to edit in the place of a nix.conf: nix.custom.conf if `text`, the
 * text of the nix.conf, includes it. The installers that do this overwrite nix.conf.
 */
export function editableNixConf(file: string, text: string): string {
  const included = /^[ \t]*!?include[ \t]+(\S*nix\.custom\.conf)[ \t]*$/m.exec(text)?.[1];
  return included === undefined ? file : resolve(dirname(file), included);
}

/** A setting of Nix that is a list. `alias` is its name in older files. */
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
  /** Undefined for comments, blank lines, and lines that Nix would refuse. */
  readonly setting: string | undefined;
  readonly values: readonly string[];
}

/**
 * Returns the text of a nix.conf with `values` added to a list. All other bytes
 * stay unchanged. If the list has all values, the text stays unchanged.
 *
 * Nix reads a nix.conf from the top. `extra-x` adds to the list `x`, and `x`
 * replaces it, so only the lines from the last `x` on count (libutil/config.cc).
 * The function extends an `extra-x` line if there is one. It does not add a second
 * one, because Nix before 2.4 uses only the last `extra-x` line.
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
  // An included file may replace the list, and this function does not read it. So an `extra-x` line
  // above an include is not extended.
  const barrier = lines.findLastIndex((line) => isPlain(line) || isInclude(line));
  if (last > barrier) {
    return joinLines(
      lines.map((line, at) => (at === last ? lengthen(line.text, missing) : line.text)),
    );
  }
  return appendLine(text, `extra-${name} = ${missing.join(" ")}`);
}

/** Returns the value of a setting in a nix.conf, or undefined. */
export function readNixConf(text: string, name: string): string | undefined {
  return splitLines(text)
    .findLast(({ setting }) => setting === name)
    ?.values.join(" ");
}

/** Returns the text with one more line. If the last line has no line break, it gets one. */
export function appendLine(text: string, line: string): string {
  const isEnded = text === "" || text.endsWith("\n");
  return `${text}${isEnded ? "" : "\n"}${line}\n`;
}

/**
 * Splits lines as `AbstractConfig::applyConfig` does: a line is a list of words,
 * and the second word is "=".
 */
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

/** Adds values to a line, in front of its comment if it has one. */
function lengthen(line: string, values: readonly string[]): string {
  const [, before = "", after = ""] = /^([^#]*?)([ \t\r]*(?:#.*)?)$/s.exec(line) ?? [];
  return `${before} ${values.join(" ")}${after}`;
}
