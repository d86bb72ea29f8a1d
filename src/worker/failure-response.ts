import { CacheError } from "./cache-error.ts";
import { FAILURES } from "../api/failures/failures.ts";
import { CACHE_CONTROL } from "../http/cache-control.ts";

/**
 * The one place where a fault becomes an answer. A client gets the sentence of
 * the table and nothing of what caused it (law 9); one line of plain text under
 * 1 KiB is what Nix shows to the person.
 */
export function failureResponse(error: CacheError): Response {
  return respond(error, `${sentenceOf(error)}\n`, "text/plain; charset=utf-8");
}

/** The same to a client of the API. */
export function jsonFailureResponse(error: CacheError, requestId: string): Response {
  return respond(error, JSON.stringify(failureBody(error, requestId)), "application/json");
}

/** What an answer of the API says of a failure, or the last line of one that had begun. */
export function failureBody(error: CacheError, requestId: string) {
  return {
    error: { code: error.code, message: sentenceOf(error), requestId: printable(requestId) },
  };
}

function respond(error: CacheError, body: string, contentType: string): Response {
  const { status } = FAILURES[error.code];
  const headers = new Headers({
    "content-type": contentType,
    "cache-control": CACHE_CONTROL.never,
    "x-content-type-options": "nosniff",
  });
  if (status === 401) headers.set("www-authenticate", 'Basic realm="Nix binary cache"');
  if (error.retryAfterSeconds !== undefined) {
    headers.set("retry-after", String(error.retryAfterSeconds));
  }
  return new Response(body, { status, headers });
}

function sentenceOf({ code, subject }: CacheError): string {
  return FAILURES[code].message + (subject === undefined ? "" : ` ${printable(subject)}`);
}

const MAX_SUBJECT_LENGTH = 300;

function printable(subject: string): string {
  return subject.replace(/[^\x20-\x7e]/g, "?").slice(0, MAX_SUBJECT_LENGTH);
}

/** What was thrown, as the error that is answered and logged. */
export function toFailure(error: unknown): CacheError {
  if (error instanceof CacheError) return error;
  return new CacheError("internal", "unexpected", { cause: error });
}

/** The cause of an error and its causes, for the log. */
export function describeCause(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (!(error instanceof Error)) return String(error);
  const deeper = describeCause(error.cause);
  return `${error.name}: ${error.message}${deeper === undefined ? "" : ` <- ${deeper}`}`;
}
