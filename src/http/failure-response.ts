import { CacheError, FAILURES } from "../errors.ts";
import { CACHE_CONTROL } from "./cache-control.ts";

/**
 * The one place where a fault becomes an answer. A client gets the sentence of
 * the table and nothing of what caused it (law 9); one line of plain text under
 * 1 KiB is what Nix shows to the person.
 */
export function failureResponse(error: CacheError): Response {
  const { status, message } = FAILURES[error.code];
  const subject = error.subject === undefined ? "" : ` ${printable(error.subject)}`;
  const headers = new Headers({
    "content-type": "text/plain; charset=utf-8",
    "cache-control": CACHE_CONTROL.never,
    "x-content-type-options": "nosniff",
  });
  if (status === 401) headers.set("www-authenticate", 'Basic realm="Nix binary cache"');
  if (error.retryAfterSeconds !== undefined) {
    headers.set("retry-after", String(error.retryAfterSeconds));
  }
  return new Response(`${message}${subject}\n`, { status, headers });
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
