import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { formatFileNar } from "../../src/client/local-nix/format-file-nar.ts";
import { encodeNix32 } from "../../src/nix/encodings.ts";
import type { NixMachine } from "./nix-client.ts";

/**
 * Adds `count` small text files and one that refers to them all, without a
 * build; gives the last one's path. They are content-addressed: a client takes
 * them without a signature.
 */
export async function addTexts(machine: NixMachine, name: string, count: number): Promise<string> {
  const expression = `let
    leaves = builtins.genList (i: builtins.toFile "${name}-\${toString i}" "${name} \${toString i}\\n") ${count};
  in builtins.toFile "${name}" (builtins.concatStringsSep "\\n" leaves)`;
  const args = ["--eval", "--read-write-mode", "--strict", "--json", "--expr", expression];
  const storePath: unknown = JSON.parse(await machine.run("nix-instantiate", ...args));
  return String(storePath);
}

/** Adds a file that no compression makes smaller. */
export async function addNoise(
  machine: NixMachine,
  name: string,
  sizeBytes: number,
): Promise<string> {
  const file = path.join(machine.directory, name);
  await writeFile(file, randomBytes(sizeBytes));
  return await machine.run("nix-store", "--add", file);
}

/** Adds a directory, given as its files by their paths in it. */
export async function addDirectory(
  machine: NixMachine,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const directory = path.join(machine.directory, name);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(directory, file)), { recursive: true });
    await writeFile(path.join(directory, file), text);
  }
  return await machine.run("nix-store", "--add", directory);
}

export interface BuiltPath {
  readonly name: string;
  readonly references?: readonly string[];
}

/**
 * Registers a path as a build would leave it, without building: its name says
 * nothing about its contents, so a client wants it signed.
 */
export async function addBuilt(machine: NixMachine, built: BuiltPath): Promise<string> {
  const [storePath = ""] = await addManyBuilt(machine, [built]);
  return storePath;
}

/** The same for many at once. */
export async function addManyBuilt(
  machine: NixMachine,
  list: readonly BuiltPath[],
): Promise<readonly string[]> {
  await mkdir(machine.storeDirectory, { recursive: true });
  const records: string[] = [];
  const storePaths: string[] = [];
  for (const { name, references = [] } of list) {
    const baseName = `${encodeNix32(randomBytes(20))}-${name}`;
    const contents = `${[name, ...references].join("\n")}\n`;
    await writeFile(path.join(machine.storeDirectory, baseName), contents, { mode: 0o444 });
    const nar = formatFileNar(contents);
    const sha256 = createHash("sha256").update(nar).digest("hex");
    const storePath = `/nix/store/${baseName}`;
    // What `nix-store --dump-db` prints: hash, size, no deriver, references.
    const fields = [storePath, sha256, nar.byteLength, "", references.length, ...references];
    records.push(`${fields.join("\n")}\n`);
    storePaths.push(storePath);
  }
  await machine.feed(records.join(""), "nix-store", "--load-db");
  return storePaths;
}

/** The 32 characters by which a cache names a path. */
export function hashPart(storePath: string): string {
  return path.basename(storePath).slice(0, 32);
}
