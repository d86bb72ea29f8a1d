import { type ProbeFolder, type ProbePut, ZEROS_SHA256 } from "../../src/checks/payload-probe.ts";
import { formatPayloadHeaders, type PayloadHeader } from "../../src/http/payload-header.ts";
import { readElement } from "../../src/http/s3-xml.ts";
import { listKeys } from "./bucket-steps.ts";
import type { CanaryBucket, SignedRequest } from "./canary-bucket.ts";
import { putAndHangUp } from "./raw-request.ts";

// 100 MB at 5 Mbit/s take 160 s.
const TIMEOUT_MILLISECONDS = 300_000;
const CHUNK_BYTES = 64 * 1024;

/** Opens a folder for one probe of `header`, below the canary's folder. */
export function openProbeFolder(bucket: CanaryBucket, header: PayloadHeader): ProbeFolder {
  const folder = `${header}/`;

  async function sign(put: ProbePut): Promise<SignedRequest> {
    const { name, sizeBytes, ageSeconds = 0, unsignedHeaders = {} } = put;
    const headers = {
      "content-type": "application/x-nix-nar",
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
        body: ReadableStream.from(zeros(put)),
        duplex: "half",
        signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      });
      return { status: response.status, code: readElement(await response.text(), "Code") };
    },
    async putHalf(put) {
      const { url, headers } = await sign(put);
      headers.delete("content-length");
      const body = "\0".repeat(Math.min(CHUNK_BYTES, Math.floor(put.sizeBytes / 2)));
      await putAndHangUp({ url, headers, framing: `Content-Length: ${put.sizeBytes}`, body });
    },
    async copy(from, to) {
      const headers = {
        "x-amz-copy-source": this.copySource(from),
        "x-amz-metadata-directive": "REPLACE",
        "content-type": "application/x-nix-nar",
      };
      return await bucket.send({ method: "PUT", name: folder + to, headers });
    },
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
    copySource: (name) => encodeURI(`/${bucket.config.bucket}/${bucket.keyOf(folder + name)}`),
    sleep: async (milliseconds) => void (await bucket.sleep(milliseconds)),
  };
}

function* zeros({ sizeBytes, firstByte }: ProbePut): Generator<Uint8Array> {
  yield Uint8Array.of(firstByte);
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let left = sizeBytes - 1; left > 0; left -= CHUNK_BYTES) {
    yield left < CHUNK_BYTES ? chunk.subarray(0, left) : chunk;
  }
}
