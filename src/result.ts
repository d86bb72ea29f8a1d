/**
 * An expected outcome as a value. Parsers return a `Result`. Unexpected failures are
 * thrown: as a `CacheError` in the worker, as a `ClientError` in the client.
 */
export type Result<T, E = string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

export function ok<T>(value: T): Result<T, never> {
  return { ok: true, value };
}

export function err<E>(error: E): Result<never, E> {
  return { ok: false, error };
}
