import type { BucketSettings } from "./bucket-settings.ts";
import readHashAndSend from "./read-hash-and-send.ts";
import signAndFetch from "./sign-and-fetch.ts";

/** The smallest worker that serves GETs and takes PUTs, with a buffer for each upload. */
export default {
  async fetch(request, env) {
    const { fetch } = request.method === "PUT" ? readHashAndSend : signAndFetch;
    return await fetch(request, env);
  },
} satisfies ExportedHandler<BucketSettings>;
