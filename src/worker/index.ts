import { WorkerEntrypoint } from "cloudflare:workers";
import { createApp } from "./app.ts";
import { createBucketMeter } from "./bucket/bucket.ts";
import { parseConfig } from "../settings/config.ts";
import { createGateway } from "./create-gateway.ts";
import { createEdgeKeys, type EdgeKeys } from "./edge/edge-key.ts";
import { answerInnerRequest } from "./edge/workers-cache-edge.ts";
import { CacheError } from "./cache-error.ts";
import type { Gateway } from "./gateway.ts";
import { describeCause, failureResponse, toFailure } from "./failure-response.ts";
import { logToConsole } from "./log.ts";
import { readFromBucket } from "./serve/origin.ts";

type Env = Readonly<Record<string, unknown>>;

interface Isolate {
  readonly gateway: Gateway;
  readonly app: ReturnType<typeof createApp>;
  readonly edgeKeys: EdgeKeys | undefined;
}

// Settings do not change while an isolate lives.
let isolate: Isolate | undefined;

function isolateFor(env: Env): Isolate {
  if (isolate === undefined) {
    const config = parseConfig(env);
    const gateway = createGateway(config, logToConsole);
    const edgeKeys = config.reads.ok ? createEdgeKeys(config.reads.value) : undefined;
    isolate = { gateway, app: createApp(gateway), edgeKeys };
  }
  return isolate;
}

/**
 * The cached side of the gateway: wrangler.toml puts Workers Cache in front of
 * this entrypoint, and of no other. Only the gateway can call it.
 */
export class Objects extends WorkerEntrypoint<Env> {
  override async fetch(request: Request): Promise<Response> {
    const { gateway, edgeKeys } = isolateFor(this.env);
    const { config, log } = gateway;
    if (!config.reads.ok || edgeKeys === undefined) {
      return failureResponse(new CacheError("misconfigured", "inner request"));
    }
    const reads = config.reads.value;
    const meter = createBucketMeter();
    return await answerInnerRequest(
      request,
      edgeKeys,
      (key, range) =>
        readFromBucket(key, range, {
          bucket: gateway.openBucket(meter),
          storeDir: reads.storeDir,
          log,
        }),
      meter,
      (error) => {
        const failure = toFailure(error);
        log("warn", failure.code, {
          detail: failure.message,
          cause: describeCause(failure.cause),
        });
        return failure;
      },
    );
  }

  /**
   * Called by the gateway after a deletion; a purge reaches only the entrypoint
   * that makes it. False when Cloudflare refused, as after too many in a minute.
   */
  async purge(url: string): Promise<boolean> {
    const result = await this.ctx.cache?.purge({ pathPrefixes: [new URL(url).pathname] });
    return result?.success ?? true;
  }
}

export default {
  fetch: (request, env, context) => isolateFor(env).app.fetch(request, env, context),
} satisfies ExportedHandler<Env>;
