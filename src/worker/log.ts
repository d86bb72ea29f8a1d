/**
 * Writes one JSON line for an event, for Workers Logs. The operator reads it: values
 * may name objects and settings, and never hold a credential.
 */
export type Log = (
  level: "info" | "warn" | "error",
  code: string,
  fields?: Readonly<Record<string, string | number | boolean | undefined>>,
) => void;

export const logToConsole: Log = (level, code, fields = {}) => {
  // oxlint-disable-next-line no-console -- the one place that writes the log
  console[level](JSON.stringify({ level, code, ...fields }));
};
