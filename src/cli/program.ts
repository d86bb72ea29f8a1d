import { Command } from "commander";
import { VERSION } from "../api/endpoints.ts";
import type { ProcessContext } from "../client/process-context.ts";
import type { AddCommand } from "./command.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addInfoCommand } from "./commands/info.ts";
import { addKeyCommand } from "./commands/key.ts";
import { addLsCommand } from "./commands/ls.ts";
import { addPushCommand } from "./commands/push.ts";
import { addTokenCommand } from "./commands/token.ts";
import { addUseCommand } from "./commands/use.ts";
import { addWatchExecCommand } from "./commands/watch-exec.ts";

const COMMANDS: readonly AddCommand[] = [
  addPushCommand,
  addWatchExecCommand,
  addUseCommand,
  addDoctorCommand,
  addLsCommand,
  addInfoCommand,
  addTokenCommand,
  addKeyCommand,
];

/** The whole `nargate` command. */
export function createProgram(
  context: ProcessContext,
  setExitCode: (code: number) => void,
): Command {
  const program = new Command("nargate")
    .description("Pushes to and looks after a Nix binary cache behind Nargate.")
    .version(VERSION)
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      outputError: (text, write) => write(toOneLine(text)),
    });
  // Commands inherit these settings, so they are added last.
  for (const add of COMMANDS) add(program, context, setExitCode);
  return program;
}

/** Commander's own begins with "error: ", and has a line more where it guesses what was meant. */
function toOneLine(text: string): string {
  return text.replace(/^error: /, "nargate: ").replaceAll("\n(", " (");
}
