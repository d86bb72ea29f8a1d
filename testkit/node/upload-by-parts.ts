import { createHash, randomBytes } from "node:crypto";
import { encodeNix32 } from "../../src/nix/encodings.ts";

/** Random bytes of any number, none of which are kept: the same block with its number in front. */
export interface MadeNar {
  readonly fileHash: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  part(number: number): Buffer;
}

export function makeNar(sizeBytes: number, partBytes: number): MadeNar {
  const block = randomBytes(partBytes);
  const part = (number: number) => {
    const length = Math.min(partBytes, sizeBytes - (number - 1) * partBytes);
    const bytes = Buffer.from(block.subarray(0, length));
    bytes.writeUInt32LE(number);
    return bytes;
  };
  const hash = createHash("sha256");
  for (let number = 1; (number - 1) * partBytes < sizeBytes; number++) hash.update(part(number));
  const digest = hash.digest();
  return { fileHash: encodeNix32(digest), sha256: digest.toString("hex"), sizeBytes, part };
}

/** A client of the API at `url` that does what it is told, and no more. */
export function createPartUploader(url: string, token: string) {
  const post = async (path: string, body: unknown) => {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return response;
  };
  return {
    /** Starts an upload and sends its parts; gives its handle. */
    async send({ fileHash, sizeBytes, part }: MadeNar): Promise<string> {
      const body = { fileHash, size: sizeBytes, extension: ".zst" };
      const started: { handle: string; urls: { number: number; url: string }[] } = JSON.parse(
        await (await post("uploads", body)).text(),
      );
      for (const signed of started.urls) {
        const put = await fetch(signed.url, { method: "PUT", body: part(signed.number) });
        await put.body?.cancel();
        if (put.status !== 200) throw new Error(`part ${signed.number} answered ${put.status}`);
      }
      return started.handle;
    },
    /** The lines that completing it answers. */
    async complete(handle: string): Promise<readonly string[]> {
      const text = await (await post("uploads/complete", { handle })).text();
      return text.trimEnd().split("\n");
    },
  };
}
