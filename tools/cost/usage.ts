import { err, ok, type Result } from "../../src/result.ts";

/** The usage of a cache by a team, in a month of 30 days. Shares are from 0 to 1. */
export interface Usage {
  readonly paths: number;
  /** Average size of a NAR file as stored, compressed; 1 MB is 10^6 bytes. */
  readonly narMb: number;
  readonly lookups: number;
  readonly pulls: number;
  readonly pushes: number;
  readonly clients: number;
  readonly days: number;
  readonly absent: number;
  readonly hitNarinfo: number;
  readonly hitNar: number;
  readonly hitAbsent: number;
  readonly cpuRequestMs: number;
  readonly cpuUploadMsPerMb: number;
  readonly cpuProofMsPerMb: number;
  readonly cpuPublishMs: number;
  readonly logKb: number;
  readonly logSample: number;
}

type Amounts = Readonly<Record<keyof Usage, number>>;

interface Flag {
  readonly key: keyof Usage;
  readonly isShare: boolean;
  readonly what: string;
  /** The default: a number, or a function of the flags before this one. */
  readonly byDefault: number | ((usage: Partial<Amounts>) => number);
  readonly defaultText?: string;
}

function amount(key: keyof Usage, byDefault: number, what: string): Flag {
  return { key, isShare: false, what, byDefault };
}

function share(key: keyof Usage, byDefault: number, what: string): Flag {
  return { key, isShare: true, what, byDefault };
}

/** The flags of the command. A default may depend on the flags before it. */
export const USAGE_FLAGS: Readonly<Record<string, Flag>> = {
  paths: amount("paths", 50_000, "store paths in the cache"),
  "nar-mb": amount("narMb", 4, "average size of a NAR file, compressed, in MB"),
  pulls: amount("pulls", 200_000, "NARs downloaded a month"),
  lookups: {
    key: "lookups",
    isShare: false,
    what: "narinfos requested a month",
    byDefault: ({ pulls = 0 }) => pulls * 10,
    defaultText: "10 for each pull",
  },
  pushes: {
    key: "pushes",
    isShare: false,
    what: "paths pushed a month",
    byDefault: ({ paths = 0 }) => paths / 10,
    defaultText: "a tenth of the paths",
  },
  clients: {
    key: "clients",
    isShare: false,
    what: "requests for nix-cache-info a month (a CI job sends one, a laptop one a week)",
    byDefault: ({ lookups = 0 }) => lookups / 500,
    defaultText: "1 for each 500 lookups",
  },
  days: amount("days", 30, "days of the month on which the requests come"),
  absent: share("absent", 0.5, "share of the lookups for paths that the cache does not have"),
  "hit-narinfo": share("hitNarinfo", 0.9, "share of the other lookups that the edge answers"),
  "hit-nar": share("hitNar", 0.9, "share of the pulls that the edge answers"),
  "hit-absent": share(
    "hitAbsent",
    0.2,
    "share of the lookups for absent paths that the edge answers",
  ),
  "cpu-request": amount("cpuRequestMs", 1, "CPU of a request, in ms (assumed)"),
  "cpu-upload": amount(
    "cpuUploadMsPerMb",
    2.7,
    "CPU for each MB of a NAR pushed through the gateway, in ms (measured)",
  ),
  "cpu-proof": amount(
    "cpuProofMsPerMb",
    1,
    "CPU for each MB of a NAR above 16 MiB, pushed straight to B2, in ms (measured)",
  ),
  "cpu-publish": amount("cpuPublishMs", 2, "additional CPU for a pushed narinfo, in ms (assumed)"),
  "log-kb": amount(
    "logKb",
    3,
    "log of each run of the worker, with Cloudflare's own record, in KB (assumed)",
  ),
  "log-sample": share("logSample", 1, "share of the requests that are logged"),
};

const FACTORS: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };
/** Far more than any cache needs, and small enough that all amounts stay exact to the cent. */
const MAX_AMOUNT = 1e13;

/** Parses the flags into the usage of a month. A flag that is not given has its default. */
export function parseUsage(given: Readonly<Record<string, string | undefined>>): Result<Usage> {
  const usage: Partial<Record<keyof Usage, number>> = {};
  for (const [name, flag] of Object.entries(USAGE_FLAGS)) {
    const text = given[name];
    if (text === undefined) {
      usage[flag.key] = typeof flag.byDefault === "number" ? flag.byDefault : flag.byDefault(usage);
      continue;
    }
    const parsed = flag.isShare ? parseShare(text) : parseAmount(text);
    if (!parsed.ok) return err(`--${name} ${text} ${parsed.error}`);
    usage[flag.key] = parsed.value;
  }
  if (!isComplete(usage)) return err("a flag has neither a value nor a default");
  if (usage.days === 0 || usage.days > 30)
    return err(`--days ${usage.days} is out of range; use a number from 1 to 30`);
  return ok(usage);
}

function isComplete(usage: Partial<Amounts>): usage is Amounts {
  return Object.values(USAGE_FLAGS).every(({ key }) => usage[key] !== undefined);
}

/** Parses a number such as `2000000`, `2_000_000`, `2M` or `0.5G`. */
function parseAmount(text: string): Result<number> {
  const match = /^(\d[\d_]*(?:\.\d+)?)([kmg]?)$/i.exec(text);
  if (match === null) return err("is not a number; write it as 250000, 250k or 2.5M");
  const [, digits = "", suffix = ""] = match;
  const value = Number(digits.replaceAll("_", "")) * (FACTORS[suffix.toLowerCase()] ?? 1);
  return value > MAX_AMOUNT ? err("is too large; the largest number is 10000G") : ok(value);
}

/** Parses a share from 0 to 1. */
function parseShare(text: string): Result<number> {
  const value = /^(?:\d+(?:\.\d+)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  return value <= 1 ? ok(value) : err("is not a share; use a number from 0 to 1, such as 0.9");
}
