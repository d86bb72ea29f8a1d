import {
  MAX_KEEP_DAYS,
  MAX_PIN_REVISIONS,
  type NamedRevision,
  parsePinName,
  type PinKeep,
} from "../../api/pins.ts";
import { formatStorePathBaseName, parseStorePathBaseName } from "../../nix/store-path.ts";
import { err, ok, type Result } from "../../result.ts";
import { type NargatePath, parseNargatePath } from "../bucket/nargate-path.ts";

/**
 * The folder of the pins. Each revision is an empty object of its own, whose name says
 * all:
 *
 *   <name>/<time>-<keep>/<hash>-<store path name>/by-<token>
 *
 * `<time>` is in milliseconds. `<keep>` is `forever`, `7d` or `3r`. No object is ever
 * written twice with other contents, so writers never meet: B2 has no conditional PUT. A
 * listing shows everything, so reading all pins takes one request for 1,000 revisions.
 */
export const PINS_FOLDER = ".nargate/pins/";

/** A longer name of a token is cut: the whole path must fit a `NargatePath`. */
const MAX_BY_LENGTH = 120;

const UNSAFE = /[^\w.@:-]/g;

/** Returns the folder of one pin, with its final slash. */
export function pinFolder(name: string): string {
  return `${PINS_FOLDER}${name}/`;
}

/** Returns the path of a revision. */
export function formatPinPath({ name, revision }: NamedRevision): NargatePath {
  const { path, at, by, keep } = revision;
  const time = String(at.getTime()).padStart(13, "0");
  const token = by.slice(0, MAX_BY_LENGTH).replace(UNSAFE, encodeCharacter);
  const text = `${pinFolder(name)}${time}-${formatKeep(keep)}/${formatStorePathBaseName(path)}/by-${token}`;
  const checked = parseNargatePath(text);
  if (!checked.ok) throw new TypeError(`${text} ${checked.error}`);
  return checked.value;
}

// One expression: a listing has 1,000 paths, and the free plan allows 10 ms of CPU.
const PIN_PATH =
  /^\.nargate\/pins\/([^/]+)\/(\d{13})-([^/]+)\/([^/]+)\/by-((?:[\w.@:-]|=[0-7][0-9A-F])*)$/;

/** Parses the path of a revision. The error is a predicate. Each revision has one spelling. */
export function parsePinPath(text: string): Result<NamedRevision> {
  const [, name = "", time, keepText = "", base = "", token = ""] = PIN_PATH.exec(text) ?? [];
  const path = parseStorePathBaseName(base);
  const keep = parseKeep(keepText);
  const by = token.replace(/=(..)/g, decodeCharacter);
  const isCanonical = by.length <= MAX_BY_LENGTH && by.replace(UNSAFE, encodeCharacter) === token;
  if (!parsePinName(name).ok || !path.ok || keep === undefined || !isCanonical) {
    return err("is not a pin");
  }
  return ok({ name, revision: { path: path.value, at: new Date(Number(time)), by, keep } });
}

function formatKeep(keep: PinKeep): string {
  if (keep === "forever") return keep;
  return "days" in keep ? `${keep.days}d` : `${keep.revisions}r`;
}

function parseKeep(text: string): PinKeep | undefined {
  if (text === "forever") return text;
  const [, digits, unit] = /^([1-9]\d{0,4})([dr])$/.exec(text) ?? [];
  const count = Number(digits);
  if (unit === "d" && count <= MAX_KEEP_DAYS) return { days: count };
  if (unit === "r" && count <= MAX_PIN_REVISIONS) return { revisions: count };
  return undefined;
}

/** Names of tokens are printable ASCII. */
function encodeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  const printable = code < 0x80 ? code : 0x3f;
  return `=${printable.toString(16).toUpperCase().padStart(2, "0")}`;
}

function decodeCharacter(_: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}
