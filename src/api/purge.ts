import { array, maxLength, object, pipe, string, union } from "valibot";
import { notAnObject } from "./read-shape.ts";

/** The most objects of one purge: Cloudflare takes no more entries at once. */
export const MAX_PURGED = 100;

/**
 * Body of `POST /api/v1/purge`: the names of objects below the cache's prefix, such as
 * `nar/<hash>.nar.xz`.
 */
export const purgeSchema = union(
  [
    object({ path: string("is not a text") }, notAnObject),
    object(
      {
        paths: pipe(
          array(string("is not a text"), "is not a list"),
          maxLength(MAX_PURGED, `has more than ${MAX_PURGED} names`),
        ),
      },
      notAnObject,
    ),
  ],
  "has neither path nor paths",
);
