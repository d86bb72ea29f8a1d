import { parseUploadHandle } from "../../access/upload-handle.ts";
import { CacheError } from "../../cache-error.ts";
import { type DirectUpload, parseDirectUpload } from "../../ingest/direct-upload.ts";
import { type Exchange, readConfig } from "../exchange.ts";
import { type JsonFields, readString } from "./read-json.ts";

/** The upload that the field `handle` is about, if it was given to `by`. */
export async function openHandle(
  fields: JsonFields,
  by: string,
  exchange: Exchange,
): Promise<DirectUpload> {
  const { gateway } = exchange;
  const secret = readConfig(gateway).bucket.applicationKey;
  const claim = await parseUploadHandle(readString(fields, "handle"), secret, gateway.now());
  if (!claim.ok) throw new CacheError("handle-invalid", claim.error);
  if (claim.value.tokenName !== by) {
    throw new CacheError("handle-of-another", `of ${claim.value.tokenName}, not ${by}`);
  }
  const upload = parseDirectUpload(claim.value);
  if (!upload.ok) throw new CacheError("handle-invalid", upload.error);
  exchange.key = upload.value.nar;
  return upload.value;
}
