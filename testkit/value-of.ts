import type { Result } from "../src/result.ts";

/** The value that a test takes for granted; fails with the error where there is none. */
export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`expected a value, got the error: ${result.error}`);
  return result.value;
}

/** The error that a test takes for granted. */
export function errorOf(result: Result<unknown>): string {
  if (result.ok) throw new Error(`expected an error, got ${JSON.stringify(result.value)}`);
  return result.error;
}
