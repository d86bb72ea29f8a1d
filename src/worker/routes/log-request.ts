import { describeCause, toFailure } from "../failure-response.ts";
import type { Exchange } from "./exchange.ts";

type Level = "info" | "warn" | "error";

/**
 * Logs one line for each request: the object, the cost, and the failure. The line
 * names the token and never holds it. Of the path it holds only the checked key,
 * because the path itself is the client's own text.
 */
export function logRequest(exchange: Exchange, response: Response, error: unknown): void {
  const { gateway, request, requestId, key, route, token, outcome, meter } = exchange;
  const failure = error === undefined ? undefined : toFailure(error);
  const level = failure === undefined ? "info" : levelOf(failure.code);
  if (isLeftOut(level, exchange)) return;
  const sized = request.method === "PUT" ? request : response;
  gateway.log(level, "request", {
    requestId,
    method: request.method.slice(0, 20),
    route: route ?? key?.kind ?? "none",
    path: key?.path,
    status: response.status,
    token: token?.name,
    scope: token?.scopes.join(","),
    edge: outcome,
    bucketRequests: meter.requests,
    bucketMilliseconds: meter.milliseconds,
    bytes: Number(sized.headers.get("content-length") ?? 0),
    ...(failure === undefined
      ? {}
      : { fault: failure.code, detail: failure.message, cause: describeCause(failure.cause) }),
  });
}

/** Whether the setting LOG leaves out lines of this level. */
export function isLeftOut(level: Level, { cache: { reads } }: Exchange): boolean {
  return level === "info" && reads.ok && reads.value.logs === "faults";
}

const OTHER_FAULTS: readonly string[] = [
  "upload-failed",
  "oidc-issuer-unavailable",
  "catalog-unavailable",
  "catalog-over-limit",
  "push-needs-catalog",
];

/** Returns "info" for mistakes of the client, and more for faults of the bucket, the catalog, an issuer or the gateway. */
export function levelOf(code: string): Level {
  if (["misconfigured", "internal"].includes(code)) return "error";
  return code.startsWith("bucket-") || OTHER_FAULTS.includes(code) ? "warn" : "info";
}
