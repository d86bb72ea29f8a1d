import { type Command, InvalidArgumentError, Option } from "commander";
import { MAX_KEEP_DAYS, MAX_PIN_REVISIONS, parsePinName, type PinKeep } from "../api/pins.ts";
import { UsageError } from "../client/client-error.ts";
import { toOneLine } from "../client/plain-text.ts";

/** The flags that say which revisions a pin keeps, as commander gives them. */
export interface KeepFlags {
  readonly keepDays?: number;
  readonly keepRevisions?: number;
  readonly keepForever?: true;
}

/** Adds the flags that say which revisions a pin keeps. */
export function addKeepFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--keep-days <n>", "keep the revisions of the last N days, also the newest")
        .argParser(countUpTo(MAX_KEEP_DAYS))
        .conflicts(["keepRevisions", "keepForever"]),
    )
    .addOption(
      new Option("--keep-revisions <n>", "keep the last N revisions")
        .argParser(countUpTo(MAX_PIN_REVISIONS))
        .conflicts(["keepDays", "keepForever"]),
    )
    .option("--keep-forever", "keep all revisions (default)");
}

export function hasKeepFlag({ keepDays, keepRevisions, keepForever }: KeepFlags): boolean {
  return keepDays !== undefined || keepRevisions !== undefined || keepForever === true;
}

/** Returns the rule of the flags: all revisions, if none is given. */
export function readKeep({ keepDays, keepRevisions }: KeepFlags): PinKeep {
  if (keepDays !== undefined) return { days: keepDays };
  return keepRevisions === undefined ? "forever" : { revisions: keepRevisions };
}

/** Checks the name of a pin. Throws `UsageError`. */
export function requirePinName(text: string): string {
  const name = parsePinName(text);
  if (name.ok) return name.value;
  throw new UsageError(
    `${toOneLine(text)} is no name for a pin: it has 1 to 100 letters, digits and . _ -, and begins with a letter or digit`,
  );
}

function countUpTo(most: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (!/^\d{1,6}$/.test(text) || count < 1 || count > most) {
      throw new InvalidArgumentError(`Give a number from 1 to ${most}.`);
    }
    return count;
  };
}
