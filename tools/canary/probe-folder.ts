import {
  probeBody,
  type ProbeFolder,
  type ProbePut,
  ZEROS_SHA256,
} from "../../src/checks/payload-probe.ts";
import { formatPayloadHeaders, type PayloadHeader } from "../../src/http/payload-header.ts";
import { CONTENT_TYPES } from "../../src/http/response-headers.ts";
import { readElement } from "../../src/http/s3-xml.ts";
import { copySourceOf, copyWithNewMetadata, listKeys } from "./bucket-steps.ts";
import type { CanaryBucket, SignedRequest } from "./canary-bucket.ts";
import { putAndHangUp } from "./raw-request.ts";

// 100 MB at 5 Mbit/s take 160 s.
const TIMEOUT_MILLISECONDS = 300_000;
/** Enough for a body that is cut; a raw request holds it as a text. */
const MAX_HALF_BYTES = 64 * 1024;

/** Opens a folder for one probe of `header`, below the canary's folder. */
export function openProbeFolder(bucket: CanaryBucket, header: PayloadHeader): ProbeFolder {
  const folder = `${header}/`;

  async function sign(put: ProbePut): Promise<SignedRequest> {
    const { name, sizeBytes, ageSeconds = 0, unsignedHeaders = {} } = put;
    const headers = {
      "content-type": CONTENT_TYPES.nar,
      "content-length": String(sizeBytes),
      ...formatPayloadHeaders(header, ZEROS_SHA256[sizeBytes]),
    };
    const signed = await bucket.sign(
      { method: "PUT", name: folder + name, headers },
      { agedSeconds: ageSeconds, signsAllHeaders: true },
    );
    for (const [field, value] of Object.entries(unsignedHeaders)) signed.headers.set(field, value);
    return signed;
  }

  return {
    async put(put) {
      const { url, headers } = await sign(put);
      const response = await fetch(url, {
        method: "PUT",
        headers,
        redirect: "manual",
        body: ReadableStream.from(probeBody(put, put.sizeBytes)),
        duplex: "half",
        signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      });
      return { status: response.status, code: readElement(await response.text(), "Code") };
    },
    async putHalf(put) {
      const { url, headers } = await sign(put);
      headers.delete("content-length");
      const body = "\0".repeat(Math.min(MAX_HALF_BYTES, Math.floor(put.sizeBytes / 2)));
      await putAndHangUp({ url, headers, framing: `Content-Length: ${put.sizeBytes}`, body });
    },
    copy: (from, to) => copyWithNewMetadata(bucket, folder + from, folder + to),
    async head(name) {
      const { status, headers } = await bucket.send({ method: "HEAD", name: folder + name });
      if (status !== 200) return undefined;
      return {
        sizeBytes: Number(headers.get("content-length")),
        etag: headers.get("etag") ?? undefined,
        contentEncoding: headers.get("content-encoding") ?? undefined,
      };
    },
    async list() {
      const start = bucket.keyOf(folder).length;
      return (await listKeys(bucket, folder)).map((key) => key.slice(start));
    },
    async delete(name) {
      await bucket.send({ method: "DELETE", name: folder + name });
    },
    copySource: (name) => copySourceOf(bucket, folder + name),
    sleep: async (milliseconds) => void (await bucket.sleep(milliseconds)),
  };
}
