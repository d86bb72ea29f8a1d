import { CACHE_CONTROL } from "../../../http/cache-control.ts";

/** An answer of the API, which nobody keeps. */
export function answerJson(value: unknown): Response {
  return Response.json(value, {
    headers: { "cache-control": CACHE_CONTROL.never, "x-content-type-options": "nosniff" },
  });
}
