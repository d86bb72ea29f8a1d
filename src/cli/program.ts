import { Command } from "commander";
import { VERSION } from "../api/endpoints.ts";
import type { ProcessContext } from "../client/process-context.ts";
import type { AddCommand } from "./command.ts";
import { addDoctorCommand } from "./commands/doctor-command.ts";
import { addInfoCommand } from "./commands/info-command.ts";
import { addKeyCommand } from "./commands/key-command.ts";
import { addLsCommand } from "./commands/ls-command.ts";
import { addPushCommand } from "./commands/push-command.ts";
import { addTokenCommand } from "./commands/token-command.ts";
import { addUseCommand } from "./commands/use-command.ts";
import { addWatchExecCommand } from "./commands/watch-exec-command.ts";

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
