/**
 * Writes one JSON line for an event, for Workers Logs. The operator reads it: values
 * may name objects and settings, and never hold a credential.
 */
export type Log = (
  level: "info" | "warn" | "error",
  code: string,
  fields?: Readonly<Record<string, string | number | boolean | undefined>>,
) => void;

/** Returns the message of a thrown value, for the field `detail` of a log line. */
export function detailOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export const logToConsole: Log = (level, code, fields = {}) => {
  // oxlint-disable-next-line no-console -- the one place that writes the log
  console[level](JSON.stringify({ level, code, ...fields }));
};
