import { rm } from "node:fs/promises";
import { createNixMachine, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addTexts } from "../../testkit/nix/nix-paths.ts";
import { PUSH_TOKEN } from "./bench-context.ts";

/**
 * A closure in the store of a machine that may push: small text files, and one file
 * that refers to all of them.
 */
export interface PushedClosure {
  readonly machine: NixMachine;
  readonly root: string;
  /** The number of paths, including the root. */
  readonly count: number;
  readonly parent: string;
}

// A thousand paths at 100 ms a request take seven minutes.
export const TIMEOUT_MILLISECONDS = 900_000;

/** Makes a new machine with a closure of `count` paths in its store. */
export async function makeClosure(
  parent: string,
  name: string,
  count: number,
): Promise<PushedClosure> {
  const machine = await createNixMachine(parent, {
    token: PUSH_TOKEN,
    timeoutMilliseconds: TIMEOUT_MILLISECONDS,
  });
  return { machine, root: await addTexts(machine, name, count - 1), count, parent };
}

/** Returns the seconds of `nix copy --to` on a machine that does not know this cache yet. */
export async function push({ machine, root }: PushedClosure, url: string): Promise<number> {
  return await copyTo(machine, url, [root]);
}

/** Returns the seconds of `nix copy --to` of several paths, with their closures. */
export async function copyTo(
  machine: NixMachine,
  url: string,
  storePaths: readonly string[],
): Promise<number> {
  await machine.forgetCaches();
  return await secondsOf(machine, "nix", "copy", "--to", `${url}?compression=zstd`, ...storePaths);
}

/** Returns the seconds of `nix-store --realise` on a machine with an empty store. */
export async function pull(
  { root, parent }: Pick<PushedClosure, "root" | "parent">,
  url: string,
): Promise<number> {
  const machine = await createNixMachine(parent, {
    substituter: url,
    timeoutMilliseconds: TIMEOUT_MILLISECONDS,
    // The default of max-substitution-jobs since Nix 2.16. The Nix used here calls the
    // setting max-jobs.
    settings: { "max-jobs": "16" },
  });
  const seconds = await secondsOf(machine, "nix-store", "--realise", root);
  await rm(machine.directory, { recursive: true, force: true });
  return seconds;
}

/** Returns the seconds that a program takes on a machine. Throws if it fails. */
export async function secondsOf(
  machine: NixMachine,
  program: string,
  ...args: readonly string[]
): Promise<number> {
  const { code, stderr, milliseconds } = await machine.attempt(program, ...args);
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${stderr.slice(-2000)}`);
  return milliseconds / 1000;
}
