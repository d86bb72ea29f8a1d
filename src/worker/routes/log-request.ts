import { describeCause, toFailure } from "../failure-response.ts";
import { isApiPath } from "./api/api-path.ts";
import { type Exchange, rawPath } from "./exchange.ts";

/**
 * One line a request: what was asked, what it cost, and what went wrong. It
 * names the token, and never holds it; of a path it has only the checked key.
 */
export function logRequest(exchange: Exchange, response: Response, error: unknown): void {
  const { gateway, request, requestId, key, token, outcome, meter } = exchange;
  const failure = error === undefined ? undefined : toFailure(error);
  const level = failure === undefined ? "info" : levelOf(failure.code);
  const { reads } = gateway.config;
  if (level === "info" && reads.ok && reads.value.logs === "faults") return;
  const sized = request.method === "PUT" ? request : response;
  gateway.log(level, "request", {
    requestId,
    method: request.method.slice(0, 20),
    route: routeName(rawPath(request.url)) ?? key?.kind ?? "none",
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

const ROUTE_NAMES: ReadonlyMap<string, string> = new Map([
  ["/", "page"],
  ["/healthz", "health"],
  ["/nix-cache-info", "cache-info"],
]);

/** Of what is not an object; anything else has no name here, since it is a client's own text. */
function routeName(path: string): string | undefined {
  return isApiPath(path) ? "api" : ROUTE_NAMES.get(path);
}

/** What the client did wrong is news; what the bucket or we did is not. */
export function levelOf(code: string): "info" | "warn" | "error" {
  if (["misconfigured", "internal"].includes(code)) return "error";
  return code.startsWith("bucket-") || ["upload-failed", "oidc-issuer-unavailable"].includes(code)
    ? "warn"
    : "info";
}
