import type { Log } from "../../src/worker/log.ts";

export interface LoggedLine {
  readonly level: string;
  readonly code: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that keeps its lines. */
export function createTestLog(): { readonly log: Log; readonly lines: LoggedLine[] } {
  const lines: LoggedLine[] = [];
  return { lines, log: (level, code, fields = {}) => lines.push({ level, code, fields }) };
}
