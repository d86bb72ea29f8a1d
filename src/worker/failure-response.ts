import { FAILURES } from "../api/failures/failures.ts";
import type { FailureBody } from "../api/answers.ts";
import { CACHE_CONTROL } from "../http/cache-control.ts";
import { answerHeaders } from "../http/response-headers.ts";
import { CacheError } from "./cache-error.ts";

/**
 * Turns a failure into the answer of a cache path. The client gets the sentence
 * of the table and nothing about its cause (law 9): one line of plain text under
 * 1 KiB, because Nix prints that to the person who pushes.
 */
export function failureResponse(error: CacheError): Response {
  return respond(error, `${sentenceOf(error)}\n`, "text/plain; charset=utf-8");
}

/** Turns a failure into the answer of an API path. */
export function jsonFailureResponse(error: CacheError, requestId: string): Response {
  return respond(error, JSON.stringify(failureBody(error, requestId)), "application/json");
}

/** Describes a failure as the API does: as a whole answer, or as the last line of an answer that had begun. */
export function failureBody(error: CacheError, requestId: string): FailureBody {
  return {
    error: { code: error.code, message: sentenceOf(error), requestId: printable(requestId) },
  };
}

function respond(error: CacheError, body: string, contentType: string): Response {
  const { status } = FAILURES[error.code];
  const headers = new Headers(answerHeaders(contentType, CACHE_CONTROL.never));
  if (status === 401) headers.set("www-authenticate", 'Basic realm="Nix binary cache"');
  if (error.allowedMethods !== undefined) headers.set("allow", error.allowedMethods.join(", "));
  if (error.sizeBytes !== undefined) headers.set("content-range", `bytes */${error.sizeBytes}`);
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

/** Returns a thrown value as the error that is answered and logged. */
export function toFailure(error: unknown): CacheError {
  if (error instanceof CacheError) return error;
  return new CacheError("internal", "unexpected", { cause: error });
}

/** Describes an error and its causes, for the log. */
export function describeCause(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (!(error instanceof Error)) return String(error);
  const deeper = describeCause(error.cause);
  return `${error.name}: ${error.message}${deeper === undefined ? "" : ` <- ${deeper}`}`;
}
