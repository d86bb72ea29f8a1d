/**
 * One JSON line an event, for Workers Logs. Values are for the operator: they
 * may name objects and settings, never a credential.
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
