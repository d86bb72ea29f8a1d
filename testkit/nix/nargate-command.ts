import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type LocalGateway, PUSH_TOKEN } from "../node/local-gateway.ts";
import type { NixMachine, NixResult, RunningNix } from "./nix-client.ts";

const ENTRY = fileURLToPath(new URL("../../src/cli/nargate.ts", import.meta.url));

/** The command as it is installed, run on a simulated machine. */
export interface NargateCommand {
  start(...args: readonly string[]): RunningNix;
  attempt(...args: readonly string[]): Promise<NixResult>;
  /** Runs one that must succeed, with `input` on its standard input; gives what it printed. */
  feed(input: string, ...args: readonly string[]): Promise<string>;
  /** Runs one that must succeed. */
  run(...args: readonly string[]): Promise<NixResult>;
}

/** With the gateway and its token given to `push` and `watch-exec`. */
export async function createNargate(
  machine: NixMachine,
  gateway: Pick<LocalGateway, "url">,
  token = PUSH_TOKEN,
): Promise<NargateCommand> {
  const tokenFile = path.join(machine.directory, "token");
  await writeFile(tokenFile, `${token}\n`);
  function wordsOf([command = "", ...args]: readonly string[]): readonly string[] {
    const given = ["--to", gateway.url, "--token-file", tokenFile];
    return ["--no-warnings", ENTRY, command, ...given, ...args];
  }
  const start = (...args: readonly string[]) => machine.start(process.execPath, ...wordsOf(args));
  return {
    start,
    attempt: (...args) => start(...args).ended,
    feed: (input, ...args) => machine.feed(input, process.execPath, ...wordsOf(args)),
    async run(...args) {
      const result = await start(...args).ended;
      if (result.code === 0) return result;
      throw new Error(`nargate ${args.join(" ")} ended with ${result.code}:\n${result.stderr}`);
    },
  };
}
