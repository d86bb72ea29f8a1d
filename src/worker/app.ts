import { createHono, type WorkerApp } from "./routes/create-hono.ts";
import { failureResponse, toFailure } from "./failure-response.ts";
import type { Gateway } from "./gateway.ts";
import { createExchange, rawPath, requireKnownHost, serverTiming } from "./routes/exchange.ts";
import { logRequest } from "./routes/log-request.ts";
import { recordUse } from "./routes/record-use.ts";
import { createNargateApi } from "./routes/nargate/nargate-api.ts";
import { createNargateSite } from "./routes/nargate/nargate-site.ts";
import { createNixCache } from "./routes/nix/nix-cache.ts";

/**
 * Creates the gateway as an HTTP application. Each protocol is an application of
 * its own, which answers failures in its own format. The Nix cache comes last,
 * because it takes every path that no other protocol has.
 */
export function createApp(gateway: Gateway): WorkerApp {
  // Routes match the path as it came on the wire: a path that is spelled in
  // another way is another path (law 4).
  const app = createHono((request) => rawPath(request.url));

  app.use(async (context, next) => {
    const exchange = createExchange(gateway, context);
    context.set("exchange", exchange);
    await next();
    context.res.headers.set("server-timing", serverTiming(exchange));
    recordUse(exchange, context.res.status);
    logRequest(exchange, context.res, context.error);
  });

  app.use(async (context, next) => {
    requireKnownHost(context.get("exchange"));
    await next();
  });

  app.route("/", createNargateSite());
  app.route("/api/", createNargateApi());
  app.route("/", createNixCache());
  app.onError((error) => failureResponse(toFailure(error)));
  return app;
}
