import { createHono, type WorkerApp } from "../create-hono.ts";
import { failureResponse, toFailure } from "../../failure-response.ts";
import { readHealth } from "./health.ts";
import { readPage } from "./page.ts";

/** The pages of the gateway for people and monitors. Failures are one line of text. */
export function createNargateSite(): WorkerApp {
  const site = createHono();

  site.get("/", (context) => {
    const exchange = context.get("exchange");
    exchange.route = "page";
    return readPage(exchange);
  });
  site.get("/healthz", (context) => {
    const exchange = context.get("exchange");
    exchange.route = "health";
    return readHealth(exchange);
  });

  site.onError((error) => failureResponse(toFailure(error)));
  return site;
}
