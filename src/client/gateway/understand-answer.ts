import type { GenericSchema, InferOutput } from "valibot";
import { readShape } from "../../api/read-shape.ts";
import { ClientError } from "../client-error.ts";

/** Reads the answer of an endpoint by its schema. Throws `ClientError` if it does not fit. */
export function understandAnswer<Schema extends GenericSchema>(
  schema: Schema,
  answer: unknown,
  target: string,
): InferOutput<Schema> {
  const shape = readShape(schema, answer);
  if (shape.ok) return shape.value;
  throw notUnderstood(target, shape.error);
}

/** Returns the error for an answer of another version, or of another server. */
export function notUnderstood(target: string, problem: string): ClientError {
  return new ClientError(
    `${target}: this command does not understand the answer (${problem}). Use the same version of nargate as the cache`,
  );
}
