import { Hono } from "hono";
import { CacheError } from "./cache-error.ts";
import type { Gateway } from "./gateway.ts";
import { failureResponse, jsonFailureResponse, toFailure } from "./failure-response.ts";
import { isApiPath } from "./routes/api/api-path.ts";
import { answerApi, apiMethods } from "./routes/api/endpoints.ts";
import { readCacheInfo } from "./routes/cache-info.ts";
import { deleteObject } from "./routes/delete-object.ts";
import { type AppEnv, createExchange, rawPath, serverTiming } from "./routes/exchange.ts";
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
  app.all("/api/*", (context) => answerApi(context.get("exchange")));
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

  app.onError((error, context) => {
    const path = rawPath(context.req.raw.url);
    const failure = toFailure(error);
    const response = isApiPath(path)
      ? jsonFailureResponse(failure, context.get("exchange").requestId)
      : failureResponse(failure);
    if (response.status === 405) {
      const methods = apiMethods(path) ?? ["GET", "HEAD", "PUT", "DELETE"];
      response.headers.set("allow", methods.join(", "));
    }
    return response;
  });
  return app;
}
