import { createHono, type WorkerApp } from "../create-hono.ts";
import { CacheError } from "../../cache-error.ts";
import { failureResponse, toFailure } from "../../failure-response.ts";
import { readCacheInfo } from "./cache-info.ts";
import { deleteObject } from "./delete-object.ts";
import { readObject } from "./read-object.ts";
import { writeObject } from "./write-object.ts";

/**
 * The Nix binary cache protocol. The object key that a path parses to decides
 * what the path means (law 4); the router does not. Failures are one line of text.
 */
export function createNixCache(): WorkerApp {
  const cache = createHono();

  cache.get("/nix-cache-info", (context) => {
    const exchange = context.get("exchange");
    exchange.route = "cache-info";
    return readCacheInfo(exchange);
  });
  cache.get("*", (context) => readObject(context.get("exchange")));
  cache.put("*", (context) => {
    const writing = writeObject(context.get("exchange"));
    // A client that goes away must not stop the clean-up of its own upload.
    context.executionCtx.waitUntil(writing.catch(() => {}));
    return writing;
  });
  cache.delete("*", (context) => deleteObject(context.get("exchange")));
  cache.all("*", (context) => {
    throw new CacheError("method-not-allowed", context.req.method.slice(0, 20), {
      allowedMethods: ["GET", "HEAD", "PUT", "DELETE"],
    });
  });

  cache.onError((error) => failureResponse(toFailure(error)));
  return cache;
}
