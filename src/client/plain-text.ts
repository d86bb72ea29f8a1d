/**
 * Text from outside, made safe to show. A terminal obeys escape sequences, a
 * workflow log obeys lines that begin with "::", and characters that change the
 * direction of writing make a text read as another one.
 */

// Control characters (C0, DEL, C1), the line and paragraph separators, and the
// characters that override the direction of writing.
const UNSAFE = "\\p{Cc}\\u2028\\u2029\\u061C\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069";
const UNSAFE_RUN = new RegExp(`[${UNSAFE}]+`, "gu");
// The command itself writes colours, ends of lines and tabs.
const UNSAFE_OR_OWN = new RegExp(`\\u001B\\[\\d{1,2}m|[${UNSAFE}]`, "gu");
// oxlint-disable-next-line no-control-regex -- it finds the control characters
const OWN = /^(?:\u001B\[\d{1,2}m|[\n\t])$/;

const MAX_LINE_LENGTH = 1000;

/** Returns the text as one line of at most 1,000 characters, without unsafe characters. */
export function toOneLine(text: string): string {
  return text.replace(UNSAFE_RUN, " ").slice(0, MAX_LINE_LENGTH);
}

/** Returns JSON in one line, with each unsafe character escaped. The value stays the same. */
export function toJsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE_RUN, (run) =>
    Array.from(run, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}

/** Returns an output of several lines without unsafe characters. Colours stay. */
export function withoutEscapes(text: string): string {
  return text.replace(UNSAFE_OR_OWN, (found) => (OWN.test(found) ? found : " "));
}

/**
 * Returns a line that the log of a workflow shows and never obeys. The runner of
 * GitHub takes a line that begins with "::" for a command, and "##[" in any place.
 */
export function toLogLine(text: string): string {
  const line = toOneLine(text).replaceAll("##[", "## [");
  return line.trimStart().startsWith("::") ? `nargate: ${line.trimStart()}` : line;
}
