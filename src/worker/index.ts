import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import { parseSettings } from "../settings/settings.ts";
import { createApp } from "./app.ts";
import { createBucketMeter } from "./bucket/bucket.ts";
import { type CatalogNamespace, type CatalogPort, CATALOG_METHODS } from "./catalog/catalog.ts";
import { type CatalogCore, createCatalogCore } from "./catalog/catalog-core.ts";
import { STEP_LIMITS } from "./catalog/catalog-context.ts";
import { RETENTION_RULES } from "./catalog/retention/retention-rules.ts";
import { writeMeta } from "./catalog/meta.ts";
import { ensureSchema, hasSchema } from "./catalog/schema.ts";
import { openSql } from "./catalog/sql.ts";
import { platformClock } from "./clock.ts";
import { CacheError } from "./cache-error.ts";
import { createGateway } from "./create-gateway.ts";
import { answerInnerRequest } from "./edge/workers-cache-edge.ts";
import { describeCause, failureResponse, toFailure } from "./failure-response.ts";
import type { Gateway } from "./gateway.ts";
import { detailOf, logToConsole } from "./log.ts";
import { readKeptPaths } from "./pins/read-kept-paths.ts";
import { readFromBucket } from "./serve/origin.ts";

type Env = Readonly<Record<string, unknown>>;

interface Isolate {
  readonly gateway: Gateway;
  readonly app: ReturnType<typeof createApp>;
}

// Settings do not change while an isolate lives.
let isolate: Isolate | undefined;

function isolateFor(env: Env): Isolate {
  if (isolate === undefined) {
    const deployment = readDeployment(env);
    const gateway = createGateway(parseSettings(env), logToConsole, platformClock, deployment);
    isolate = { gateway, app: createApp(gateway) };
  }
  return isolate;
}

/** Returns the name of this version of the worker, if wrangler.toml asks for it. */
function readDeployment(env: Env): string {
  const version = env["CF_VERSION_METADATA"];
  return typeof version === "object" && version !== null && "id" in version
    ? String(version.id)
    : "";
}

/**
 * The cached side of the gateway. wrangler.toml puts Workers Cache in front of
 * this entrypoint and of no other. Only the gateway can call it.
 */
export class Objects extends WorkerEntrypoint<Env> {
  override async fetch(request: Request): Promise<Response> {
    const { gateway } = isolateFor(this.env);
    const { log } = gateway;
    const cache = gateway.caches.findByEdgeUrl(request.url);
    if (cache === undefined) {
      return failureResponse(new CacheError("misconfigured", "inner request for no cache"));
    }
    const { storeDir, edgeKeys } = cache;
    const meter = createBucketMeter();
    const { Catalog: catalogs } = this.ctx.exports as { readonly Catalog?: CatalogNamespace };
    const onUse = gateway.sampleUses(cache, catalogs, (promise) => this.ctx.waitUntil(promise));
    return await answerInnerRequest(
      request,
      edgeKeys,
      (key, range) =>
        readFromBucket(key, range, {
          bucket: gateway.openBucket(cache, meter),
          storeDir,
          log,
          onUse,
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
   * Makes Workers Cache forget up to 100 URLs. The gateway calls this after a deletion,
   * because a purge reaches only the cache of the entrypoint that makes it.
   * Resolves with false if Cloudflare refused, as it does after too many purges
   * in a minute.
   */
  async purge(...urls: readonly string[]): Promise<boolean> {
    const pathPrefixes = urls.map((url) => new URL(url).pathname);
    const result = await this.ctx.cache?.purge({ pathPrefixes });
    return result?.success ?? true;
  }
}

/**
 * The memory of one cache. It is made by the first call, so a deployment with CATALOG=off
 * has none. Only the gateway can call it.
 */
export class Catalog extends DurableObject<Env> {
  readonly #core: CatalogCore | undefined;
  /** Whether the last attempt to set the alarm failed. */
  #isUnarmed = false;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#core = this.#open();
    // An alarm may have been lost: the platform gives up after six failures. And a new
    // deployment may have something to do sooner.
    void context.blockConcurrencyWhile(async () => {
      try {
        const alarm = await context.storage.getAlarm();
        if (alarm === null || alarm > (this.#core?.nextStepAt() ?? Infinity)) await this.#arm();
      } catch (error) {
        // An alarm is a row written. While the day's rows are used up, questions still work.
        this.#logUnarmed(error);
      }
    });
  }

  /** Calls a method of the catalog; see `catalog/catalog.ts`. */
  async call(method: keyof CatalogPort, args: readonly unknown[]): Promise<unknown> {
    if (this.#core === undefined || !CATALOG_METHODS.includes(method)) {
      throw new Error(`the catalog is off, or has no method ${method}`);
    }
    const run = this.#core[method] as (...values: readonly unknown[]) => Promise<unknown>;
    const answer = await run(...args);
    if (method === "relist" || method === "collect") await this.#arm();
    else if (this.#isUnarmed) await this.#arm().catch((error: unknown) => this.#logUnarmed(error));
    return answer;
  }

  override async alarm(): Promise<void> {
    await this.#core?.step();
    await this.#arm();
  }

  async #arm(): Promise<void> {
    if (this.#core === undefined) return;
    this.#isUnarmed = true;
    // 0 stands for a step that is due from the beginning; the platform refuses it.
    await this.ctx.storage.setAlarm(Math.max(this.#core.nextStepAt(), 1));
    this.#isUnarmed = false;
  }

  #logUnarmed(error: unknown): void {
    const detail = detailOf(error);
    isolateFor(this.env).gateway.log("warn", "catalog-alarm-failed", { detail });
  }

  /** Returns nothing if the catalog is off, or is the catalog of another bucket. */
  #open(): CatalogCore | undefined {
    const { gateway } = isolateFor(this.env);
    const scope = gateway.caches.findByCatalogName(this.ctx.id.name ?? "");
    const sql = openSql(this.ctx.storage);
    if (scope === undefined || !scope.catalog.isOn || !scope.reads.ok) {
      // From now on pushes announce nothing.
      if (hasSchema(sql)) writeMeta(sql, "collectsSince", 0);
      return undefined;
    }
    ensureSchema(sql);
    const context = {
      sql,
      bucket: gateway.openBucket(scope.reads.value, createBucketMeter()),
      storeDir: scope.reads.value.storeDir,
      log: gateway.log,
      now: () => gateway.clock.now().getTime(),
    };
    return createCatalogCore(context, STEP_LIMITS, {
      policy: scope.catalog.retention,
      rules: RETENTION_RULES,
      deployment: gateway.deployment,
      readPins: async () => await readKeptPaths(context.bucket, gateway.clock.now()),
    });
  }
}

export default {
  fetch: (request, env, context) => isolateFor(env).app.fetch(request, env, context),
} satisfies ExportedHandler<Env>;
