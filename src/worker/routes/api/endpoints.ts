import { CacheError } from "../../cache-error.ts";
import { type Exchange, rawPath } from "../exchange.ts";
import { completeDirectUpload } from "./complete-upload.ts";
import { abortDirectUpload, listUploadParts, signUploadParts } from "./continue-upload.ts";
import { readCache } from "./read-cache.ts";
import { readOwnToken } from "./read-own-token.ts";
import { startDirectUpload } from "./start-upload.ts";

type Endpoint = (exchange: Exchange) => Response | Promise<Response>;

const ENDPOINTS: ReadonlyMap<string, Readonly<Record<string, Endpoint>>> = new Map([
  ["/api/v1/cache", { GET: readCache, HEAD: readCache }],
  ["/api/v1/token", { GET: readOwnToken, HEAD: readOwnToken }],
  ["/api/v1/uploads", { POST: startDirectUpload }],
  ["/api/v1/uploads/urls", { POST: signUploadParts }],
  ["/api/v1/uploads/parts", { POST: listUploadParts }],
  ["/api/v1/uploads/abort", { POST: abortDirectUpload }],
  ["/api/v1/uploads/complete", { POST: completeDirectUpload }],
]);

/** The methods that a path of the API takes; `undefined` if there is no such path. */
export function apiMethods(path: string): readonly string[] | undefined {
  const endpoint = ENDPOINTS.get(path);
  return endpoint === undefined ? undefined : Object.keys(endpoint);
}

/** Everything below `/api/`: by the path as it came, so that there is one way to write each (law 4). */
export async function answerApi(exchange: Exchange): Promise<Response> {
  const { method, url } = exchange.request;
  const endpoint = ENDPOINTS.get(rawPath(url));
  if (endpoint === undefined) throw new CacheError("not-found", "no such path of the API");
  const answer = Object.hasOwn(endpoint, method) ? endpoint[method] : undefined;
  if (answer === undefined) throw new CacheError("method-not-allowed", method.slice(0, 20));
  return await answer(exchange);
}
