import { WorkerEntrypoint } from "cloudflare:workers";
import type { BucketSettings } from "./bucket-settings.ts";
import signAndFetch from "./sign-and-fetch.ts";

type IncomingRequest = Parameters<typeof signAndFetch.fetch>[0];

/** The inner side: signs a GET for the bucket and fetches the object. */
export class Objects extends WorkerEntrypoint<BucketSettings> {
  override async fetch(request: IncomingRequest): Promise<Response> {
    return await signAndFetch.fetch(request, this.env);
  }
}

/**
 * The smallest worker with the shape that Workers Cache needs: it calls its own second
 * entrypoint, in front of which Cloudflare's cache would be, and passes the answer on.
 */
export default {
  fetch: (request, _, context) =>
    (context.exports as { readonly Objects: Fetcher }).Objects.fetch(request),
} satisfies ExportedHandler<BucketSettings>;
