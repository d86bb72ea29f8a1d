import { WorkerEntrypoint } from "cloudflare:workers";
export class Objects extends WorkerEntrypoint {
  override fetch(): Response { return new Response("x"); }
}
export default { fetch: () => new Response("hi") } satisfies ExportedHandler;
