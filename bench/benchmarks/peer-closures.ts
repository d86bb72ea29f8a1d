import { rm } from "node:fs/promises";
import path from "node:path";
import { createNixMachine, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addNoise } from "../../testkit/nix/nix-paths.ts";
import { PUSH_TOKEN } from "./bench-context.ts";
import { TIMEOUT_MILLISECONDS } from "./nix-closure.ts";

/** Store paths that are pushed together, with all that they refer to. */
export interface PeerClosure {
  /** As the report names it. */
  readonly name: string;
  readonly roots: readonly string[];
  /** Whether it is pulled too. It then has one root. */
  readonly isPulled: boolean;
}

/** One machine with the closures that every subject pushes. */
export interface PeerClosures {
  readonly machine: NixMachine;
  readonly parent: string;
  /** Pushed first and not measured, so that every cache has begun its work. */
  readonly first: readonly string[];
  readonly measured: readonly PeerClosure[];
}

const FULL = { texts: 1001, middle: 40, largeBytes: 500_000_000 } as const;
const QUICK = { texts: 21, middle: 4, largeBytes: 50_000_000 } as const;
const MIDDLE_BYTES = 5_000_000;

/** Makes a machine with all closures in its store. Their contents hardly compress. */
export async function makePeerClosures(parent: string, isQuick: boolean): Promise<PeerClosures> {
  const { texts, middle, largeBytes } = isQuick ? QUICK : FULL;
  const machine = await createNixMachine(parent, {
    token: PUSH_TOKEN,
    timeoutMilliseconds: TIMEOUT_MILLISECONDS,
  });
  const noise = async (name: string, sizeBytes: number) => {
    const storePath = await addNoise(machine, name, sizeBytes);
    await rm(path.join(machine.directory, name));
    return storePath;
  };
  const roots: string[] = [];
  for (let index = 0; index < middle; index++) roots.push(await noise(`m-${index}`, MIDDLE_BYTES));
  return {
    machine,
    parent,
    first: [await noise("first", 3_000_000), await addKilobyteTexts(machine, "first", 3)],
    measured: [
      { name: `${middle} paths of 5 MB`, roots, isPulled: false },
      {
        name: `1 path of ${largeBytes / 1e6} MB`,
        roots: [await noise("large", largeBytes)],
        isPulled: false,
      },
      // The last one, because a cache may start again for its cold pull.
      {
        name: `${texts.toLocaleString("en")} paths of 4 KB`,
        roots: [await addKilobyteTexts(machine, "text", texts)],
        isPulled: true,
      },
    ],
  };
}

/**
 * Adds `count` texts, of which the last refers to all others. The others have 3.8 KB,
 * which compress to half. Returns the path of the last one.
 */
async function addKilobyteTexts(machine: NixMachine, name: string, count: number): Promise<string> {
  // 30 hashes of 128 digits each.
  const expression = `let
    noise = i: builtins.concatStringsSep "" (builtins.genList
      (j: builtins.hashString "sha512" "${name} \${toString i} \${toString j}") 30);
    leaves = builtins.genList (i: builtins.toFile "${name}-\${toString i}" (noise i)) ${count - 1};
  in builtins.toFile "${name}" (builtins.concatStringsSep "\\n" leaves)`;
  const args = ["--eval", "--read-write-mode", "--strict", "--json", "--expr", expression];
  return String(JSON.parse(await machine.run("nix-instantiate", ...args)));
}
