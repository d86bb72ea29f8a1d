import type { Answer } from "../answer.ts";
import { pickStoredHeaders } from "../http/stored-headers.ts";
import type { OperationContext } from "./operation-context.ts";
import { refuseConditionalWrite, requireLength } from "./write-headers.ts";

export async function putObject(context: OperationContext): Promise<Answer> {
  const { bucket, key, headers, body } = context;
  refuseConditionalWrite(headers);
  requireLength(headers);
  const version = await bucket.putObject(key, pickStoredHeaders(headers), body);
  return {
    status: 200,
    headers: { etag: version.etag, "x-amz-version-id": version.versionId },
  };
}
