import { err, ok, type Result } from "../result.ts";

/** A setting and the reason why it is wrong. Never its value, which may be a secret. */
export interface SettingProblem {
  readonly setting: string;
  readonly problem: string;
}

export function formatProblems(problems: readonly SettingProblem[], separator = "; "): string {
  return problems.map(({ setting, problem }) => `${setting} ${problem}`).join(separator);
}

/** Turns the text of a setting into a value. The error continues the setting's name: "is not a URL". */
export type SettingParser<T> = (text: string) => Result<T>;

/** Reads settings one by one and collects every problem, so that the operator sees all of them at once. */
export interface SettingReader {
  readonly problems: SettingProblem[];
  /** An empty setting counts as absent, because a deploy form leaves empty fields. */
  optional<T>(setting: string, fallback: T, parser: SettingParser<T>): T;
  /** Returns "" when the setting is missing or wrong; the problem is then recorded. */
  required(setting: string, parser: SettingParser<string>): string;
}

export function createSettingReader(env: Readonly<Record<string, unknown>>): SettingReader {
  const problems: SettingProblem[] = [];
  function parse<T>(setting: string, text: string, parser: SettingParser<T>): T | undefined {
    const result = parser(text.trim());
    if (result.ok) return result.value;
    problems.push({ setting, problem: result.error });
    return undefined;
  }
  function textOf(setting: string): string {
    const value = env[setting];
    if (value === undefined || typeof value === "string") {
      const text = value?.trim() ?? "";
      if (!/^<.*>$/s.test(text)) return text;
      problems.push({ setting, problem: "is still the placeholder: put in your own value" });
      return "";
    }
    // A list or a number in wrangler.toml; it would otherwise pass for an absent setting.
    problems.push({ setting, problem: "is not text: put it in quotes" });
    return "";
  }
  return {
    problems,
    optional(setting, fallback, parser) {
      const text = textOf(setting);
      return text === "" ? fallback : (parse(setting, text, parser) ?? fallback);
    },
    required(setting, parser) {
      const before = problems.length;
      const text = textOf(setting);
      if (problems.length > before) return "";
      if (text !== "") return parse(setting, text, parser) ?? "";
      problems.push({ setting, problem: "is not set" });
      return "";
    },
  };
}

export function matching(expression: RegExp, problem: string): SettingParser<string> {
  return (text) => (expression.test(text) ? ok(text) : err(problem));
}

export function oneOf<T extends string>(choices: readonly T[]): SettingParser<T> {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    return choice === undefined ? err(`is not one of ${choices.join(", ")}`) : ok(choice);
  };
}
