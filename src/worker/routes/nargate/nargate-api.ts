import type { Context } from "hono";
import { createHono, type WorkerApp } from "../create-hono.ts";
import { ENDPOINTS } from "../../../api/endpoints.ts";
import { CacheError } from "../../cache-error.ts";
import { jsonFailureResponse, toFailure } from "../../failure-response.ts";
import type { AppEnv, Exchange } from "../exchange.ts";
import {
  readCollectionState,
  readPlannedPaths,
  readWhy,
  startCollection,
} from "./collection-endpoints.ts";
import { completeDirectUpload } from "./complete-direct-upload.ts";
import { abortDirectUpload, listUploadParts, signUploadParts } from "./continue-direct-upload.ts";
import { findMissingPaths } from "./find-missing-paths.ts";
import { pinPath, readPins, unpin } from "./pin-endpoints.ts";
import { publishNarinfos } from "./publish-narinfos.ts";
import { purgeObject } from "./purge-object.ts";
import {
  listCatalogPaths,
  readCatalogClosure,
  readCatalogDependents,
  readCatalogPath,
  readCatalogStats,
  searchCatalog,
} from "./read-catalog.ts";
import { readCacheFacts, readOwnToken } from "./read-facts.ts";
import { startDirectUpload } from "./start-direct-upload.ts";
import { readUploadProof, startSignedUpload } from "./start-signed-upload.ts";

type Endpoint = (exchange: Exchange) => Response | Promise<Response>;

const READS: readonly (readonly [target: string, endpoint: Endpoint])[] = [
  [ENDPOINTS.cache, readCacheFacts],
  [ENDPOINTS.token, readOwnToken],
  [ENDPOINTS.pins, readPins],
  [ENDPOINTS.paths, listCatalogPaths],
  [`${ENDPOINTS.paths}/:hash`, readCatalogPath],
  [`${ENDPOINTS.paths}/:hash/closure`, readCatalogClosure],
  [`${ENDPOINTS.paths}/:hash/dependents`, readCatalogDependents],
  [ENDPOINTS.search, searchCatalog],
  [ENDPOINTS.stats, readCatalogStats],
  [ENDPOINTS.collectionState, readCollectionState],
  [ENDPOINTS.plannedPaths, readPlannedPaths],
  [ENDPOINTS.why, readWhy],
];

const CALLS: readonly (readonly [target: string, endpoint: Endpoint])[] = [
  [ENDPOINTS.purge, purgeObject],
  [ENDPOINTS.collect, startCollection],
  [ENDPOINTS.missing, findMissingPaths],
  [ENDPOINTS.publish, publishNarinfos],
  [ENDPOINTS.pins, pinPath],
  [ENDPOINTS.pinRemoval, unpin],
  [ENDPOINTS.uploads, startDirectUpload],
  [ENDPOINTS.uploadProof, readUploadProof],
  [ENDPOINTS.signedUpload, startSignedUpload],
  [ENDPOINTS.uploadUrls, signUploadParts],
  [ENDPOINTS.uploadParts, listUploadParts],
  [ENDPOINTS.uploadAbort, abortDirectUpload],
  [ENDPOINTS.uploadComplete, completeDirectUpload],
];

/** The API, to be mounted at `/api/`. It answers every path below, and every failure in JSON. */
export function createNargateApi(): WorkerApp {
  const api = createHono();

  api.use(async (context, next) => {
    context.get("exchange").route = "api";
    await next();
  });
  for (const [target, endpoint] of READS) {
    api.get(pathOf(target), (context) => endpoint(context.get("exchange")));
  }
  for (const [target, endpoint] of CALLS) {
    api.post(pathOf(target), (context) => endpoint(context.get("exchange")));
  }
  for (const [target] of [...READS, ...CALLS]) {
    api.all(pathOf(target), refuseMethod(methodsOf(target)));
  }
  // "/api/" is a path of the API and "/api" is not, so this cannot be "*".
  api.all("/", refusePath);
  api.all("/:path{.+}", refusePath);

  api.onError((error, context) =>
    jsonFailureResponse(toFailure(error), context.get("exchange").requestId),
  );
  return api;
}

/** Returns the path of an endpoint below `/api/`. */
function pathOf(target: string): string {
  return target.replace(/^api/, "");
}

function methodsOf(target: string): readonly string[] {
  return [
    ...(READS.some(([read]) => read === target) ? ["GET", "HEAD"] : []),
    ...(CALLS.some(([call]) => call === target) ? ["POST"] : []),
  ];
}

function refuseMethod(allowedMethods: readonly string[]) {
  return (context: Context<AppEnv>): never => {
    const method = context.req.method.slice(0, 20);
    throw new CacheError("method-not-allowed", method, { allowedMethods });
  };
}

function refusePath(): never {
  throw new CacheError("no-such-endpoint", "no such path of the API");
}
