import { type UploadProofAnswer, uploadProofSchema } from "../../api/answers.ts";
import { ENDPOINTS } from "../../api/endpoints.ts";
import { readShape } from "../../api/read-shape.ts";
import type { Finding } from "../../checks/finding.ts";
import { type CacheClient, CacheRefusal } from "../../client/gateway/cache-client.ts";
import { toOneLine } from "../../client/plain-text.ts";
import { faultRemedy } from "./fault-remedy.ts";

const CHECK = "large NARs";

/** Says who proves the bytes of large NARs. Both ways work; one costs no CPU of the worker. */
export async function examineLargePushes(client: CacheClient): Promise<Finding> {
  try {
    const answer = readShape(
      uploadProofSchema,
      await client.call("POST", ENDPOINTS.uploadProof, {}),
    );
    if (answer.ok) return { check: CHECK, verdict: "ok", says: describe(answer.value) };
    return { check: CHECK, verdict: "unknown", says: `the answer ${answer.error}` };
  } catch (error) {
    if (!(error instanceof CacheRefusal)) throw error;
    if (error.code === "no-such-endpoint") {
      return { check: CHECK, verdict: "ok", says: "this version of the gateway reads them back" };
    }
    const remedy = faultRemedy(error.status);
    return { check: CHECK, verdict: "warn", says: error.message, remedy };
  }
}

function describe(answer: UploadProofAnswer): string {
  return answer.provedBy === "bucket"
    ? "the bucket proves their bytes, so a push costs the worker no CPU for them"
    : `the gateway reads them back, because the bucket ${toOneLine(answer.because)}`;
}
