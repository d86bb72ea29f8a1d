import type { Answer } from "./answer.ts";
import type { FaultEffect } from "./fault-injector.ts";
import { S3_ERRORS } from "./s3-error.ts";
import { formatError } from "./xml/format-xml.ts";

const DEFAULT_CODES: Readonly<Record<number, keyof typeof S3_ERRORS>> = {
  400: "InvalidRequest",
  403: "AccessDenied",
  404: "NoSuchKey",
  412: "PreconditionFailed",
  429: "SlowDown",
  501: "NotImplemented",
  503: "SlowDown",
};

/**
 * Returns the error answer that a fault asks for, or `undefined` if it asks for
 * none. `status: 200` with a `code` gives an error inside a successful answer,
 * as CompleteMultipartUpload may send one.
 */
export function createFaultAnswer(effect: FaultEffect): Answer | undefined {
  const { code, message, html = false, bodyless = false } = effect;
  if (effect.status === undefined && code === undefined && !html && !bodyless) return undefined;
  const known = findError(code ?? DEFAULT_CODES[effect.status ?? 0] ?? "InternalError");
  const status = effect.status ?? known?.status ?? 500;
  const text = message ?? known?.message ?? "An error occurred.";
  if (bodyless) return { status, headers: { ...effect.headers } };
  if (html) {
    const body = `<html><head><title>${status}</title></head><body>${text}</body></html>`;
    return { status, headers: { "content-type": "text/html", ...effect.headers }, body };
  }
  return {
    status,
    headers: { "content-type": "application/xml", ...effect.headers },
    body: formatError(code ?? known?.code ?? "InternalError", text),
  };
}

function findError(code: string): { code: string; status: number; message: string } | undefined {
  const found = Object.entries(S3_ERRORS).find(([name]) => name === code);
  return found === undefined ? undefined : { code, ...found[1] };
}
