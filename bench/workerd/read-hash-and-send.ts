import { createHash } from "node:crypto";
import { type BucketSettings, createClient, objectUrl, UNSIGNED } from "./bucket-settings.ts";

const PART_BYTES = 8 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

/**
 * The smallest worker that reads an upload with a BYOB reader, hashes it, and sends the
 * same signed parts as the gateway, one after the other. It has no token, no retries, no
 * checks and no memory limit.
 */
export default {
  async fetch(request, env) {
    const aws = createClient(env);
    const object = objectUrl(env, request);
    async function send(method: string, query: string, body?: Uint8Array | string) {
      const url = object + query;
      const signed = await aws.sign(url, { method, headers: UNSIGNED });
      const init = { method, headers: signed.headers, ...(body === undefined ? {} : { body }) };
      const response = await fetch(url, init);
      if (!response.ok) throw new Error(`${method} answered ${response.status}`);
      return response;
    }

    if (request.body === null) return new Response("the request has no body\n", { status: 400 });
    const read = createPartReader(request.body, Number(request.headers.get("content-length")));
    const first = await read();
    if (read.isAtEnd()) {
      await send("PUT", "", first);
      return new Response("stored\n");
    }
    const created = await (await send("POST", "?uploads=")).text();
    const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(created)?.[1] ?? "";
    const parts: string[] = [];
    for (let part = first; part.byteLength > 0; part = await read()) {
      const number = parts.length + 1;
      const { headers } = await send("PUT", `?partNumber=${number}&uploadId=${uploadId}`, part);
      parts.push(
        `<Part><PartNumber>${number}</PartNumber><ETag>${headers.get("etag")}</ETag></Part>`,
      );
    }
    const list = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
    await send("POST", `?uploadId=${uploadId}`, list);
    return new Response("stored\n");
  },
} satisfies ExportedHandler<BucketSettings>;

/** Returns a function that reads the next part. All parts use one buffer, so each overwrites the last. */
function createPartReader(body: ReadableStream<Uint8Array>, lengthBytes: number) {
  const reader = body.getReader({ mode: "byob" });
  const hash = createHash("sha256");
  let buffer = new ArrayBuffer(PART_BYTES);
  let position = 0;
  async function read(): Promise<Uint8Array> {
    const wanted = Math.min(PART_BYTES, lengthBytes - position);
    let filled = 0;
    while (filled < wanted) {
      const least = Math.min(wanted - filled, READ_BYTES);
      const view = new Uint8Array(buffer, filled, wanted - filled);
      const { value } = await reader.readAtLeast(least, view);
      if (value === undefined) throw new Error("the body ended before its Content-Length");
      buffer = value.buffer as ArrayBuffer;
      filled += value.byteLength;
      hash.update(value);
    }
    position += filled;
    if (filled > 0 && position >= lengthBytes) hash.digest();
    return new Uint8Array(buffer, 0, filled);
  }
  return Object.assign(read, { isAtEnd: () => position >= lengthBytes });
}
