import { CacheError } from "../../cache-error.ts";
import { readText } from "../../ingest/read-text.ts";
import { contentLength } from "../content-length.ts";

const MAX_BODY_BYTES = 64 * 1024;

/** The fields of a request's JSON object; whoever knows more than we do may send more. */
export type JsonFields = Readonly<Record<string, unknown>>;

export async function readJson(request: Request): Promise<JsonFields> {
  const text = await readText(request.body, contentLength(request), MAX_BODY_BYTES);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed("the body is not JSON");
  }
  if (!isObject(value)) throw malformed("the body is not a JSON object");
  return value;
}

export function readString(fields: JsonFields, name: string): string {
  const value = fields[name];
  if (typeof value === "string") return value;
  throw malformed(`${name} is not a text`);
}

/** A whole number from 1 on. */
export function readCount(fields: JsonFields, name: string): number {
  const value = fields[name];
  if (isCount(value)) return value;
  throw malformed(`${name} is not a whole number`);
}

/** At most `limit` whole numbers from 1 on. */
export function readCounts(fields: JsonFields, name: string, limit: number): readonly number[] {
  const value = fields[name];
  if (Array.isArray(value) && value.length <= limit && value.every(isCount)) return value;
  throw malformed(`${name} is not a list of up to ${limit} whole numbers`);
}

/** `problem` names a field and is a sentence of ours: a value of the client's could hold anything. */
export function malformed(problem: string): CacheError {
  return new CacheError("upload-malformed", problem, { subject: `(${problem}).` });
}

function isObject(value: unknown): value is JsonFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}
