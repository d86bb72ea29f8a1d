import type { GatewayFacts } from "../../src/client/gateway/gateway-facts.ts";
import { GATEWAY_FACTS } from "./gateway-facts.ts";
import type { SamplePath } from "./sample-path.ts";
import { answerJson, serve } from "./serve.ts";

/** Serves a cache with these paths. `files` adds or replaces objects; undefined removes one. */
export async function serveCache(
  paths: readonly SamplePath[],
  facts: Partial<GatewayFacts> = {},
  files: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const objects = new Map<string, Buffer | string | undefined>();
  for (const { hash, narinfo, narUrl, nar } of paths) {
    objects.set(`/${hash}.narinfo`, narinfo).set(`/${narUrl}`, nar);
  }
  for (const [name, text] of Object.entries(files)) objects.set(`/${name}`, text);
  return await serve((request, response) => {
    const object = objects.get(request.url ?? "");
    if (request.url === "/api/v1/cache") answerJson(response, { ...GATEWAY_FACTS, ...facts });
    else if (object === undefined) response.writeHead(404).end();
    else {
      response.writeHead(200, { "content-length": Buffer.byteLength(object) });
      response.end(request.method === "HEAD" ? undefined : object);
    }
  });
}
