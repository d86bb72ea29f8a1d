import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { err, ok, type Result } from "../../src/result.ts";

/** The programs that the benchmark `peers` can run, and where to get them. */
const PEERS = {
  niks3: { programs: ["niks3", "niks3-server"], source: "https://github.com/Mic92/niks3" },
  ncps: { programs: ["ncps"], source: "https://github.com/kalbasit/ncps" },
  postgres: { programs: ["initdb", "postgres", "createdb"], source: "Debian's postgresql" },
  versitygw: { programs: ["versitygw"], source: "https://github.com/versity/versitygw" },
} as const;

export type PeerName = keyof typeof PEERS;
export const PEER_NAMES = Object.keys(PEERS) as readonly PeerName[];

/** Other caches, which the benchmark names and does not run: nobody has tried a recipe for them. */
const WITHOUT_RECIPE = {
  attic: "https://github.com/zhaofengli/attic",
  harmonia: "https://github.com/nix-community/harmonia",
} as const;

/** The path that a flag names for each peer. */
export type PeerFlags = Partial<Readonly<Record<PeerName, string>>>;

/** The path of each program of a peer; or one line that says what is missing, and how to get it. */
type FoundPeer<Name extends PeerName> = Result<
  Readonly<Record<(typeof PEERS)[Name]["programs"][number], string>>
>;
export type FoundPeers = { readonly [Name in PeerName]: FoundPeer<Name> };

/** The files of a machine, as far as programs are concerned. */
export interface ProgramFiles {
  readonly searchPath: readonly string[];
  isDirectory(file: string): boolean;
  isProgram(file: string): boolean;
}

/** Parses the values of `--peer`, as in `niks3=/opt/niks3`. */
export function parsePeerFlags(texts: readonly string[]): Result<PeerFlags> {
  const flags: Partial<Record<PeerName, string>> = {};
  for (const text of texts) {
    const [, given = "", file = ""] = /^([^=]*)=(.+)$/.exec(text) ?? [];
    if (given in WITHOUT_RECIPE) return err(`--peer ${text}: ${withoutRecipe(given)}`);
    const name = PEER_NAMES.find((known) => known === given);
    if (name === undefined)
      return err(`--peer ${text} is not NAME=PATH with NAME one of: ${PEER_NAMES.join(", ")}`);
    flags[name] = file;
  }
  return ok(flags);
}

/** Looks for the programs of all peers. Fails if a flag names a place where they are not. */
export function findPeers(flags: PeerFlags, files = filesOfThisMachine()): Result<FoundPeers> {
  for (const name of PEER_NAMES) {
    const found = findPeer(name, flags[name], files);
    if (flags[name] !== undefined && !found.ok) return err(`--peer ${found.error}`);
  }
  return ok({
    niks3: findPeer("niks3", flags.niks3, files),
    ncps: findPeer("ncps", flags.ncps, files),
    postgres: findPeer("postgres", flags.postgres, files),
    versitygw: findPeer("versitygw", flags.versitygw, files),
  });
}

function findPeer<Name extends PeerName>(
  name: Name,
  flag: string | undefined,
  files: ProgramFiles,
): FoundPeer<Name> {
  const { programs, source } = PEERS[name];
  const found: Record<string, string> = {};
  for (const program of programs) {
    const file = placesOf(program, flag, files).find((place) => files.isProgram(place));
    if (file !== undefined) found[program] = file;
  }
  const missing = programs.filter((program) => found[program] === undefined);
  if (missing.length === 0)
    return ok(found as Record<(typeof PEERS)[Name]["programs"][number], string>);
  const where = flag === undefined ? "on PATH" : `in ${flag}`;
  return err(
    `${name}: no ${missing.join(" and no ")} ${where}; get it from ${source}, or name its directory by --peer ${name}=DIRECTORY`,
  );
}

/** Returns the files that may be a program. A flag names its directory, or a file in it. */
function placesOf(program: string, flag: string | undefined, files: ProgramFiles): string[] {
  if (flag === undefined) return files.searchPath.map((folder) => path.join(folder, program));
  if (files.isDirectory(flag)) return [path.join(flag, program)];
  return [path.join(path.dirname(flag), program)];
}

/** Returns one line for each cache that the benchmark only names. */
export function peersWithoutRecipe(): string[] {
  return Object.keys(WITHOUT_RECIPE).map(withoutRecipe);
}

function withoutRecipe(name: string): string {
  const source = WITHOUT_RECIPE[name as keyof typeof WITHOUT_RECIPE];
  return `${name}: not run: the benchmark has no recipe for it (${source})`;
}

function filesOfThisMachine(): ProgramFiles {
  return {
    searchPath: [...(process.env["PATH"] ?? "").split(path.delimiter), ...postgresFolders()],
    isDirectory: (file) => statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false,
    isProgram(file) {
      const found = statSync(file, { throwIfNoEntry: false });
      return found !== undefined && found.isFile() && (found.mode & 0o111) !== 0;
    },
  };
}

/** Returns the folders in which Debian installs Postgres, none of which is on PATH. Newest first. */
function postgresFolders(): string[] {
  const parent = "/usr/lib/postgresql";
  if (statSync(parent, { throwIfNoEntry: false }) === undefined) return [];
  const versions = readdirSync(parent).toSorted((left, right) => Number(right) - Number(left));
  return versions.map((version) => path.join(parent, version, "bin"));
}
