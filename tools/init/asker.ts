import type { Readable, Writable } from "node:stream";
import { confirm, isCancel, password, text } from "@clack/prompts";
import { Interrupted, UsageError } from "../../src/client/client-error.ts";
import type { Result } from "../../src/result.ts";

export interface Question {
  readonly message: string;
  /** The way to answer without a terminal, such as `--bucket`. */
  readonly flag: string;
  /** The answer that Enter gives. */
  readonly suggestion?: string | undefined;
  /** Returns the answer in its final form. The error continues "The answer". */
  readonly parse: (answer: string) => Result<string>;
}

/** Asks the person who runs a set-up. */
export interface Asker {
  /** Whether nobody can be asked. */
  readonly isSilent: boolean;
  /** Returns the answer, or "" if nobody can be asked; `requireAnswers` then throws. */
  ask(question: Question): Promise<string>;
  /** As `ask`, without showing the answer. */
  askSecret(question: Question): Promise<string>;
  /** Returns undefined if nobody can be asked. */
  confirm(message: string, suggestion: boolean): Promise<boolean | undefined>;
  /**
   * Throws a `UsageError` that names the flags of all questions without an answer,
   * and ends with `hint`.
   */
  requireAnswers(hint?: string): void;
}

/** Asks on a terminal. Ctrl-C throws `Interrupted`. */
export function createTerminalAsker(input: Readable, output: Writable): Asker {
  return {
    isSilent: false,
    ask: async (question) => {
      const { message, suggestion, parse } = question;
      const shown =
        suggestion === undefined ? {} : { placeholder: suggestion, defaultValue: suggestion };
      return await finish(
        question,
        text({ message, input, output, validate: validate(parse, suggestion), ...shown }),
      );
    },
    askSecret: async (question) => {
      const { message, parse } = question;
      return await finish(
        question,
        password({ message, input, output, validate: validate(parse) }),
      );
    },
    confirm: async (message, initialValue) =>
      notCancelled(await confirm({ message, initialValue, input, output })),
    requireAnswers() {},
  };
}

function validate(parse: Question["parse"], suggestion = "") {
  return (answer: string | undefined) => {
    const parsed = parse((answer ?? "").trim() || suggestion);
    if (parsed.ok) return undefined;
    return answer === undefined || answer.trim() === ""
      ? "An answer is needed here."
      : `The answer ${parsed.error}.`;
  };
}

async function finish(
  { parse, suggestion = "" }: Question,
  answered: Promise<string | symbol | undefined>,
): Promise<string> {
  const answer = notCancelled(await answered);
  const parsed = parse((answer ?? "").trim() || suggestion);
  if (!parsed.ok) throw new UsageError(`The answer ${parsed.error}`);
  return parsed.value;
}

function notCancelled<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new Interrupted("SIGINT");
  return answer as Exclude<T, symbol>;
}

/** Asks nobody, and takes suggestions for answers. */
export function createSilentAsker(): Asker {
  const problems: string[] = [];
  const answer = async ({ flag, suggestion, parse }: Question) => {
    if (suggestion === undefined) {
      problems.push(`${flag} is missing`);
      return "";
    }
    const parsed = parse(suggestion);
    if (parsed.ok) return parsed.value;
    problems.push(`${flag} ${parsed.error}`);
    return "";
  };
  return {
    isSilent: true,
    ask: answer,
    askSecret: answer,
    confirm: async () => undefined,
    requireAnswers(hint) {
      if (problems.length === 0) return;
      throw new UsageError(
        [
          "Nothing has been changed. Correct these first:",
          ...problems.map((line) => `  ${line}`),
          ...(hint === undefined ? [] : [hint]),
        ].join("\n"),
      );
    },
  };
}
