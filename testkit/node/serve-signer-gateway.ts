import type { GatewayFacts } from "../../src/api/answers.ts";
import type { BucketView } from "./bucket-view.ts";
import { GATEWAY_FACTS } from "./gateway-facts.ts";
import { answerJson, readBody, serve } from "./serve.ts";

export interface SignerGateway {
  readonly url: string;
  /** The targets of the PUTs, and the paths that were purged. */
  readonly puts: string[];
  /** The targets of the DELETEs, with their queries. */
  readonly deletes: string[];
  readonly purges: string[];
}

export interface SignerGatewayOptions {
  readonly facts?: Partial<GatewayFacts>;
  readonly scopes?: readonly string[];
  /** The status of each PUT; 200 by default, and then the body is stored. */
  readonly putStatus?: (target: string) => number;
  /** Whether it answers 200 and stores nothing, as for a path with other contents. */
  readonly keeps?: boolean;
  readonly purgeStatus?: number;
  /** The status of a DELETE instead of 204. Then nothing is deleted. */
  readonly deleteStatus?: number;
}

/** Serves the parts of a gateway that `nargate sign` and `fsck` need, in front of a bucket. */
export async function serveSignerGateway(
  bucket: Pick<BucketView, "read" | "write" | "remove">,
  options: SignerGatewayOptions = {},
): Promise<SignerGateway> {
  const { facts = {}, scopes = ["admin"], putStatus = () => 200 } = options;
  const puts: string[] = [];
  const purges: string[] = [];
  const deletes: string[] = [];
  const url = await serve(async (request, response) => {
    const target = (request.url ?? "").slice(1);
    if (target === "api/v1/cache") answerJson(response, { ...GATEWAY_FACTS, ...facts });
    else if (target === "api/v1/token") answerJson(response, { name: "tester", scopes });
    else if (target === "api/v1/purge") {
      const { path } = JSON.parse((await readBody(request)).toString()) as { path: string };
      purges.push(path);
      answerJson(response, { purged: true }, options.purgeStatus ?? 200);
    } else if (request.method === "DELETE") {
      deletes.push(target);
      const key = target.replace(/\?.*/, "");
      const isThere = (await bucket.read(key)) !== undefined;
      if (options.deleteStatus === undefined && isThere) await bucket.remove(key);
      response.writeHead(options.deleteStatus ?? (isThere ? 204 : 404)).end();
    } else if (request.method === "PUT") {
      puts.push(target);
      const body = await readBody(request);
      const status = putStatus(target);
      if (status === 200 && options.keeps !== true) await bucket.write(target, body);
      response.writeHead(status).end("the reason\n");
    } else {
      const found = await bucket.read(target);
      if (found === undefined) response.writeHead(404).end();
      else {
        response.writeHead(200, { "content-length": found.byteLength });
        response.end(request.method === "HEAD" ? undefined : found);
      }
    }
  });
  return { url, puts, purges, deletes };
}
