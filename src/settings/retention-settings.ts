import { err, ok, type Result } from "../result.ts";
import { oneOf, type SettingReader } from "./setting-reader.ts";

/** Which paths a cache keeps. A path is also kept if a kept path needs it. */
export interface RetentionSettings {
  /** Whether the gateway removes what it does not keep. Otherwise it only says what that is. */
  readonly isCollecting: boolean;
  /** Younger paths are kept. `undefined`: paths of every age are. */
  readonly ageMilliseconds: number | undefined;
  /** What makes a path young: its last push, or also its last use. */
  readonly since: "push" | "use";
  /** The number of the newest paths of each package name that are kept whatever their age. */
  readonly newest: number;
  /** The bytes of NARs, as stored, beyond which the oldest paths are no longer kept by their age. */
  readonly budgetBytes: number | undefined;
}

export const RETENTION_SETTINGS = [
  "COLLECT",
  "KEEP_DAYS",
  "KEEP_SINCE",
  "KEEP_NEWEST",
  "KEEP_GIGABYTES",
] as const;

export const KEEP_EVERYTHING: RetentionSettings = {
  isCollecting: false,
  ageMilliseconds: undefined,
  since: "use",
  newest: 0,
  budgetBytes: undefined,
};

const DAY = 24 * 3600 * 1000;
const GIGABYTE = 1e9;

/**
 * Nix remembers for 30 days that a path is in a cache, and the edge answers for some hours.
 * In that time nobody asks the gateway for a path, however much it is used.
 */
const LEAST_DAYS_SINCE_USE = 35;

export function readRetentionSettings(
  reader: SettingReader,
  hasCatalog: boolean,
): RetentionSettings {
  const since = reader.optional("KEEP_SINCE", "use", oneOf(["use", "push"] as const));
  const days = reader.optional("KEEP_DAYS", undefined, (text) => parseDays(text, since));
  const gigabytes = reader.optional("KEEP_GIGABYTES", undefined, (text) =>
    parseNumber(text, 1, 10_000_000),
  );
  const newest = reader.optional("KEEP_NEWEST", 0, (text) => parseNumber(text, 0, 1000));
  const isCollecting = reader.optional("COLLECT", "off", oneOf(["off", "on"] as const)) === "on";
  const complain = (problem: string) => reader.problems.push({ setting: "COLLECT", problem });
  if (isCollecting && !hasCatalog) complain("is on, so CATALOG must be on too");
  const hasLimit = days !== undefined || gigabytes !== undefined;
  if (isCollecting && !hasLimit) {
    complain("is on, so KEEP_DAYS or KEEP_GIGABYTES must say what is kept");
  }
  return {
    isCollecting,
    ageMilliseconds: days === undefined ? undefined : days * DAY,
    since,
    newest,
    budgetBytes: gigabytes === undefined ? undefined : gigabytes * GIGABYTE,
  };
}

function parseDays(text: string, since: "push" | "use"): Result<number | undefined> {
  const days = parseNumber(text, 1, 36_500);
  if (!days.ok || since === "push" || days.value >= LEAST_DAYS_SINCE_USE) return days;
  return err(
    `is less than ${LEAST_DAYS_SINCE_USE}: Nix asks for a path it knows only every 30 days (or set KEEP_SINCE to push)`,
  );
}

function parseNumber(text: string, least: number, most: number): Result<number> {
  const value = Number(text);
  return /^\d{1,8}$/.test(text) && value >= least && value <= most
    ? ok(value)
    : err(`is not a whole number from ${least} to ${most}`);
}
