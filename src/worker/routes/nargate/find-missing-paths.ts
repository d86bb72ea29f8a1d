import { MAX_MISSING_BYTES, MISSING_BUDGET, missingSchema } from "../../../api/batches.ts";
import type { MissingAnswer } from "../../../api/answers.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import { findMissing } from "../../ingest/batch/find-missing.ts";
import { contentLength, leaseForDocument } from "../../ingest/read-body.ts";
import { admitPush } from "../admit.ts";
import type { Exchange } from "../exchange.ts";
import { answerJson, readRequest } from "./api-request.ts";

/**
 * POST `/api/v1/missing`: says which narinfos the bucket does not have. Needs the scope
 * push, because it asks the bucket and never the edge.
 */
export async function findMissingPaths(exchange: Exchange): Promise<Response> {
  const { request, meter } = exchange;
  const push = await admitPush(exchange);
  const lease = await leaseForDocument(contentLength(request), push);
  try {
    const { paths } = await readRequest(request, missingSchema, MAX_MISSING_BYTES);
    const mayAsk = () => meter.requests < MISSING_BUDGET;
    // The schema has checked the digits of each hash.
    const found = await findMissing(paths as StorePathHash[], push.bucket, mayAsk);
    return answerJson<MissingAnswer>(found);
  } finally {
    lease.release();
  }
}
