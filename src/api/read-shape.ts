import {
  type BaseIssue,
  type GenericSchema,
  getDotPath,
  type InferOutput,
  safeParse,
} from "valibot";
import { err, ok, type Result } from "../result.ts";

/**
 * Reads a value from outside by a schema. The error names a field and says what
 * is wrong with it, such as `parts.0 is not a whole number from 1 on`. It never
 * holds a value from outside, because that value could be a secret or an attack.
 */
export function readShape<Schema extends GenericSchema>(
  schema: Schema,
  value: unknown,
): Result<InferOutput<Schema>> {
  const parsed = safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return ok(parsed.output);
  const [issue] = parsed.issues;
  return err(`${getDotPath(issue) ?? "the body"} ${describe(issue)}`);
}

/** Returns the message of a schema of ours. Valibot's own messages quote the value. */
function describe({ message, expected, received }: BaseIssue<unknown>): string {
  if (!message.startsWith("Invalid ")) return message;
  return received === "undefined" ? "is missing" : `is not ${expected ?? "valid"}`;
}

/** Message for an object schema, which also reports each missing field. */
export function notAnObject({ received, path }: BaseIssue<unknown>): string {
  return received === "undefined" && path !== undefined ? "is missing" : "is not a JSON object";
}
