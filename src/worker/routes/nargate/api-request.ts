import type { GenericSchema, InferOutput } from "valibot";
import { uploadHandleSchema } from "../../../api/direct-uploads.ts";
import { readShape } from "../../../api/read-shape.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { answerHeaders } from "../../../http/response-headers.ts";
import { parseUploadHandle } from "../../access/upload-handle.ts";
import { CacheError } from "../../cache-error.ts";
import { type DirectUpload, parseDirectUpload } from "../../ingest/direct/direct-upload.ts";
import { contentLength, readText } from "../../ingest/read-body.ts";
import { cacheReads, type Exchange } from "../exchange.ts";

const MAX_BODY_BYTES = 64 * 1024;

/** Reads the JSON body of a request by its schema. Throws `upload-malformed` if it does not fit. */
export async function readRequest<Schema extends GenericSchema>(
  request: Request,
  schema: Schema,
): Promise<InferOutput<Schema>> {
  const text = await readText(request.body, contentLength(request), MAX_BODY_BYTES);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed("the body is not JSON");
  }
  // Valibot takes a list for an object.
  if (Array.isArray(value)) throw malformed("the body is not a JSON object");
  const body = readShape(schema, value);
  if (!body.ok) throw malformed(body.error);
  return body.value;
}

/** Returns the failure of a malformed request. `problem` is a text of ours: a client's value could hold anything. */
export function malformed(problem: string): CacheError {
  return new CacheError("upload-malformed", problem, { subject: `(${problem}).` });
}

/** Reads a body that holds only an upload's handle. Throws if the handle does not belong to `by`. */
export async function readUpload(exchange: Exchange, by: string): Promise<DirectUpload> {
  const { handle } = await readRequest(exchange.request, uploadHandleSchema);
  return await openHandle(handle, by, exchange);
}

/** Returns the upload that a handle is about. Throws if the handle does not belong to `by`. */
export async function openHandle(
  handle: string,
  by: string,
  exchange: Exchange,
): Promise<DirectUpload> {
  const secret = cacheReads(exchange).bucket.applicationKey;
  const claim = await parseUploadHandle(handle, secret, exchange.gateway.clock.now());
  if (!claim.ok) throw new CacheError("handle-invalid", claim.error);
  if (claim.value.tokenName !== by) {
    throw new CacheError("handle-of-another", `of ${claim.value.tokenName}, not ${by}`);
  }
  const upload = parseDirectUpload(claim.value);
  if (!upload.ok) throw new CacheError("handle-invalid", upload.error);
  exchange.key = upload.value.nar;
  return upload.value;
}

/** Answers in JSON. No cache may keep the answer. */
export function answerJson<T>(value: T): Response {
  return Response.json(value, { headers: answerHeaders("application/json", CACHE_CONTROL.never) });
}
