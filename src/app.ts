import { Hono } from "hono";
import { CacheError } from "./errors.ts";
import type { Gateway } from "./gateway.ts";
import { failureResponse, toFailure } from "./http/failure-response.ts";
import { readCacheInfo } from "./routes/cache-info.ts";
import { deleteObject } from "./routes/delete-object.ts";
import { type AppEnv, createExchange, serverTiming } from "./routes/exchange.ts";
import { readHealth } from "./routes/health.ts";
import { logRequest } from "./routes/log-request.ts";
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
    logRequest(exchange, context.res, context.error);
  });

  app.get("/", (context) => readPage(context.get("exchange")));
  app.get("/nix-cache-info", (context) => readCacheInfo(context.get("exchange")));
  app.get("/healthz", (context) => readHealth(context.get("exchange")));
  // What a path means is decided by the object key it parses to (law 4), not by the router.
  app.get("*", (context) => readObject(context.get("exchange")));
  app.put("*", (context) => {
    const writing = writeObject(context.get("exchange"));
    // A client that goes away must not stop the upload's own clean-up.
    context.executionCtx.waitUntil(writing.catch(() => {}));
    return writing;
  });
  app.delete("*", (context) => deleteObject(context.get("exchange")));
  app.all("*", (context) => {
    throw new CacheError("method-not-allowed", context.req.method.slice(0, 20));
  });

  app.onError((error) => {
    const response = failureResponse(toFailure(error));
    if (response.status === 405) response.headers.set("allow", "GET, HEAD, PUT, DELETE");
    return response;
  });
  return app;
}
