import { ACCESS_FAILURES } from "./access-failures.ts";
import { CATALOG_FAILURES } from "./catalog-failures.ts";
import { DIRECT_UPLOAD_FAILURES } from "./direct-upload-failures.ts";
import { type FailureTable, READ_FAILURES } from "./read-failures.ts";
import { PIN_FAILURES } from "./pin-failures.ts";
import { PUSH_FAILURES } from "./push-failures.ts";

/** Every failure that a client of the gateway can see; a new failure is a new line in one of the tables. */
export const FAILURES = {
  ...READ_FAILURES,
  ...ACCESS_FAILURES,
  ...PUSH_FAILURES,
  ...DIRECT_UPLOAD_FAILURES,
  ...PIN_FAILURES,
  ...CATALOG_FAILURES,
} as const satisfies FailureTable;

export type FailureCode = keyof typeof FAILURES;

export function isFailureCode(text: string): text is FailureCode {
  return Object.hasOwn(FAILURES, text);
}
