import { rm } from "node:fs/promises";
import { createNixMachine, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addTexts } from "../../testkit/nix/nix-paths.ts";
import { PUSH_TOKEN } from "./bench-context.ts";

/** Small text files and one that refers to them all, in the store of a machine that may push. */
export interface PushedClosure {
  readonly machine: NixMachine;
  readonly root: string;
  /** Of its paths, the root included. */
  readonly count: number;
  readonly parent: string;
}

// A thousand paths at 100 ms a request take a few minutes.
const TIMEOUT_MILLISECONDS = 900_000;

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

/** The seconds that `nix copy --to` takes on a machine that has not met this cache. */
export async function push({ machine, root }: PushedClosure, url: string): Promise<number> {
  await machine.forgetCaches();
  return await secondsOf(machine, "nix", "copy", "--to", `${url}?compression=zstd`, root);
}

/** The seconds that `nix-store --realise` takes on a machine with an empty store. */
export async function pull({ root, parent }: PushedClosure, url: string): Promise<number> {
  const machine = await createNixMachine(parent, {
    substituter: url,
    timeoutMilliseconds: TIMEOUT_MILLISECONDS,
    // What max-substitution-jobs is by default since Nix 2.16, and this one's name for it.
    settings: { "max-jobs": "16" },
  });
  const seconds = await secondsOf(machine, "nix-store", "--realise", root);
  await rm(machine.directory, { recursive: true, force: true });
  return seconds;
}

async function secondsOf(machine: NixMachine, program: string, ...args: string[]): Promise<number> {
  const { code, stderr, milliseconds } = await machine.attempt(program, ...args);
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${stderr.slice(-2000)}`);
  return milliseconds / 1000;
}
