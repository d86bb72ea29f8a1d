import { object, string } from "valibot";
import { notAnObject } from "./read-shape.ts";

/** Body of `POST /api/v1/purge`. */
export const purgeSchema = object(
  {
    /** The name of an object below the cache's prefix, such as `nar/<hash>.nar.xz`. */
    path: string("is not a text"),
  },
  notAnObject,
);
