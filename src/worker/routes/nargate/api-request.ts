import type { GenericSchema, InferOutput } from "valibot";
import { uploadHandleSchema } from "../../../api/direct-uploads.ts";
import { readShape } from "../../../api/read-shape.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { answerHeaders } from "../../../http/response-headers.ts";
import { err, type Result } from "../../../result.ts";
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
  maxBytes = MAX_BODY_BYTES,
): Promise<InferOutput<Schema>> {
  const text = await readText(request.body, contentLength(request), maxBytes);
  const body = parseShape(schema, text);
  if (!body.ok) throw malformed(body.error);
  return body.value;
}

/**
 * Reads the body of a request that has one JSON object on each line. Throws
 * `upload-malformed` with the number of the line if one does not fit.
 */
export async function readLines<Schema extends GenericSchema>(
  request: Request,
  schema: Schema,
  { maxBytes, maxLines }: { readonly maxBytes: number; readonly maxLines: number },
): Promise<readonly InferOutput<Schema>[]> {
  const text = await readText(request.body, contentLength(request), maxBytes);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length > maxLines) throw malformed(`the body has more than ${maxLines} lines`);
  return lines.map((line, index) => {
    const shape = parseShape(schema, line);
    if (!shape.ok) throw malformed(`line ${index + 1}: ${shape.error}`);
    return shape.value;
  });
}

function parseShape<Schema extends GenericSchema>(
  schema: Schema,
  text: string,
): Result<InferOutput<Schema>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err("the body is not JSON");
  }
  // Valibot takes a list for an object.
  return Array.isArray(value) ? err("the body is not a JSON object") : readShape(schema, value);
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
