import { err, ok, type Result } from "../../src/result.ts";

/** What a team asks of its cache in a month of 30 days. Shares are from 0 to 1. */
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
  /** A number, or how it follows from what stands above it. */
  readonly byDefault: number | ((usage: Partial<Amounts>) => number);
  readonly defaultText?: string;
}

function amount(key: keyof Usage, byDefault: number, what: string): Flag {
  return { key, isShare: false, what, byDefault };
}

function share(key: keyof Usage, byDefault: number, what: string): Flag {
  return { key, isShare: true, what, byDefault };
}

/** The flags of the command, in the order in which their defaults are worked out. */
export const USAGE_FLAGS: Readonly<Record<string, Flag>> = {
  paths: amount("paths", 50_000, "store paths in the cache"),
  "nar-mb": amount("narMb", 4, "average NAR file, compressed, in MB"),
  pulls: amount("pulls", 200_000, "NARs fetched a month"),
  lookups: {
    key: "lookups",
    isShare: false,
    what: "narinfos asked for a month",
    byDefault: ({ pulls = 0 }) => pulls * 10,
    defaultText: "10 a pull",
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
    what: "CI jobs, and laptops once a week: each asks for nix-cache-info",
    byDefault: ({ lookups = 0 }) => lookups / 500,
    defaultText: "one in 500 lookups",
  },
  days: amount("days", 30, "days among which the month's requests are spread"),
  absent: share("absent", 0.5, "share of the lookups that the cache has nothing for"),
  "hit-narinfo": share("hitNarinfo", 0.9, "share of the other lookups that the edge answers"),
  "hit-nar": share("hitNar", 0.9, "share of the pulls that the edge answers"),
  "hit-absent": share("hitAbsent", 0.2, "share of the absent lookups that the edge answers"),
  "cpu-request": amount("cpuRequestMs", 1, "ms of CPU a request, assumed"),
  "cpu-upload": amount(
    "cpuUploadMsPerMb",
    2.7,
    "ms of CPU a MB of a NAR pushed through the gateway, measured",
  ),
  "cpu-proof": amount(
    "cpuProofMsPerMb",
    1,
    "ms of CPU a MB of a NAR above 16 MiB, pushed past the gateway, measured",
  ),
  "cpu-publish": amount("cpuPublishMs", 2, "ms of CPU more for a pushed narinfo, assumed"),
  "log-kb": amount(
    "logKb",
    3,
    "KB of log a run of the worker, Cloudflare's own record included, assumed",
  ),
  "log-sample": share("logSample", 1, "share of the requests that are logged"),
};

const FACTORS: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };
/** Far beyond any cache, and small enough that every product stays exact to the cent. */
const MAX_AMOUNT = 1e13;

/** Works out a month from flags; what is not given has its default. */
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
  if (!isComplete(usage)) return err("a flag is missing");
  if (usage.days === 0 || usage.days > 30)
    return err(`--days ${usage.days} is not within 1 and 30`);
  return ok(usage);
}

function isComplete(usage: Partial<Amounts>): usage is Amounts {
  return Object.values(USAGE_FLAGS).every(({ key }) => usage[key] !== undefined);
}

/** Reads `2000000`, `2M`, `2_000_000`, `0.5G`. */
function parseAmount(text: string): Result<number> {
  const match = /^(\d[\d_]*(?:\.\d+)?)([kmg]?)$/i.exec(text);
  if (match === null) return err("is no number such as 250000, 250k or 2.5M");
  const [, digits = "", suffix = ""] = match;
  const value = Number(digits.replaceAll("_", "")) * (FACTORS[suffix.toLowerCase()] ?? 1);
  return value > MAX_AMOUNT ? err("is too large") : ok(value);
}

/** Reads a share from 0 to 1. */
function parseShare(text: string): Result<number> {
  const value = /^(?:\d+(?:\.\d+)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  return value <= 1 ? ok(value) : err("is no share from 0 to 1, such as 0.9");
}
