import { Hono } from "hono";
import { CacheError } from "./errors.ts";
import type { Gateway } from "./gateway.ts";
import { describeCause, failureResponse, toFailure } from "./http/failure-response.ts";
import type { Log } from "./log.ts";
import { readCacheInfo } from "./routes/cache-info.ts";
import { type AppEnv, createExchange, serverTiming } from "./routes/exchange.ts";
import { readPage } from "./routes/page.ts";
import { readObject } from "./routes/read-object.ts";
import { writeObject } from "./routes/write-object.ts";

/** The gateway as an HTTP application. */
export function createApp(gateway: Gateway): Hono<AppEnv> {
  const app = new Hono<AppEnv>();

  app.use(async (context, next) => {
    const exchange = createExchange(gateway, context);
    context.set("exchange", exchange);
    await next();
    context.res.headers.set("server-timing", serverTiming(exchange));
  });

  app.get("/", (context) => readPage(context.get("exchange")));
  app.get("/nix-cache-info", (context) => readCacheInfo(context.get("exchange")));
  // What a path means is decided by the object key it parses to (law 4), not by the router.
  app.get("*", (context) => readObject(context.get("exchange")));
  app.put("*", (context) => {
    const writing = writeObject(context.get("exchange"));
    // A client that goes away must not stop the upload's own clean-up.
    context.executionCtx.waitUntil(writing.catch(() => {}));
    return writing;
  });
  app.all("*", (context) => {
    throw new CacheError("method-not-allowed", context.req.method.slice(0, 20));
  });

  app.onError((error, context) => {
    const failure = toFailure(error);
    logFailure(gateway.log, failure, context.req.method);
    const response = failureResponse(failure);
    if (failure.code === "method-not-allowed") response.headers.set("allow", "GET, HEAD, PUT");
    // Hono would drop the body of a HEAD by itself.
    return response;
  });
  return app;
}

/** What the client did wrong is news, what we or the bucket did is an error. */
export function logFailure(log: Log, failure: CacheError, method: string): void {
  const isOurs = ["misconfigured", "internal", "upload-failed"].includes(failure.code);
  const isBucket = failure.code.startsWith("bucket-");
  log(isOurs ? "error" : isBucket ? "warn" : "info", failure.code, {
    method,
    detail: failure.message,
    cause: describeCause(failure.cause),
  });
}
