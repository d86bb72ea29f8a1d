import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { NixMachine } from "./nix-client.ts";

/** Programs that a machine has in place of its own. */
export interface FakePrograms {
  /** The PATH that has them. */
  readonly path: string;
  /** What they were called with, a line each. */
  calls(): Promise<readonly string[]>;
}

/** Each is a shell script, which is logged before it runs. */
export async function addFakePrograms(
  machine: Pick<NixMachine, "directory">,
  scripts: Readonly<Record<string, string>>,
): Promise<FakePrograms> {
  const directory = path.join(machine.directory, "programs");
  const log = path.join(machine.directory, "calls");
  await mkdir(directory);
  await writeFile(log, "");
  for (const [name, script] of Object.entries(scripts)) {
    const text = `#!/bin/sh\necho "${name} $*" >> '${log}'\n${script}\n`;
    await writeFile(path.join(directory, name), text, { mode: 0o755 });
  }
  return {
    path: `${directory}:${process.env["PATH"] ?? ""}`,
    async calls() {
      return (await readFile(log, "utf8")).split("\n").filter((line) => line !== "");
    },
  };
}

/** As it is on GitHub's runners; takes nothing but `-n`. */
export const SUDO = `[ "$1" = -n ] || exit 1; shift; exec "$@"`;

/** Nix as it is with a daemon that does not trust this user. */
export function untrustedNix(nix: string): string {
  return `case "$1 $2" in
    "store info" | "store ping") echo '{"url":"daemon","trusted":false}' ;;
    *) exec '${nix}' "$@" ;;
  esac`;
}
