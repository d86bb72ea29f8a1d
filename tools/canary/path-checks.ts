import { setTimeout as sleep } from "node:timers/promises";
import { encodeNix32 } from "../../src/nix/encodings.ts";
import type { Narinfo } from "../../src/nix/narinfo.ts";
import { readUntilEdgeHit } from "../../src/client/gateway/cloudflare-answers.ts";
import { type Check, known, NotSeen } from "../../src/checks/check.ts";
import type { Deployment } from "./deployment.ts";

/** A larger NAR is not read whole here. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

/** What is answered for a store path that is there. */
export const PATH_CHECKS: readonly Check<Deployment>[] = [
  {
    check: "the narinfo of --path",
    expected: known("Nargate", "200"),
    async observe(deployment) {
      try {
        const { storePath } = await deployment.readNarinfo();
        return storePath.hash === deployment.path?.hash ? "200" : "it is about another path";
      } catch (error) {
        return (error as Error).message;
      }
    },
  },
  {
    check: "its narinfo is at the edge when read again",
    expected: known("Nargate", "edge hit"),
    observe: (deployment) => seeHit(deployment, `${deployment.path?.hash}.narinfo`),
  },
  {
    check: "its NAR with Range: bytes=1-8",
    async observe(deployment) {
      const narinfo = await deployment.readNarinfo();
      const response = await deployment.read(narinfo.url, { headers: { range: "bytes=1-8" } });
      const length = await countBytes(response);
      const range = response.headers.get("content-range") ?? "no Content-Range";
      const tag = fileHashTag(narinfo);
      const etag = response.headers.get("etag") ?? "none";
      // Of an old bucket's NAR nobody may know size or hash.
      const promised = [
        "206",
        ...(narinfo.fileSize === undefined ? [] : [`bytes 1-8/${narinfo.fileSize}`, "8 bytes"]),
        ...(narinfo.fileSize === undefined || tag === undefined ? [] : ["ETag = file hash"]),
      ];
      return {
        expected: known("Nargate", promised.join(", ")),
        says: `${response.status}, ${range}, ${length} bytes, ETag ${etag === tag ? "= file hash" : etag}`,
      };
    },
  },
  {
    check: "the length of its NAR, by HEAD and by GET",
    async observe(deployment) {
      const { url, fileSize } = await deployment.readNarinfo();
      const [head, get] = [
        await announced(deployment, url, "HEAD"),
        await announced(deployment, url, "GET"),
      ];
      const says = head === get ? `both ${head}` : `HEAD ${head}, GET ${get}`;
      return {
        says,
        expected: known("Nargate", fileSize === undefined ? "both" : `both ${fileSize}`),
      };
    },
  },
  {
    check: "its NAR with Accept-Encoding: identity",
    observe: (deployment) => readNar(deployment, "identity"),
  },
  {
    check: "its NAR with Accept-Encoding: zstd, br, gzip",
    observe: (deployment) => readNar(deployment, "zstd, br, gzip"),
  },
  {
    check: "its NAR is at the edge when read again",
    expected: known("Nargate", "edge hit"),
    async observe(deployment) {
      const { url } = await deployment.readNarinfo();
      const length = Number(await announced(deployment, url, "HEAD"));
      if (length > MAX_READ_BYTES) {
        throw new NotSeen(`${length} bytes: above 64 MiB`, { verdict: "skipped" });
      }
      return await seeHit(deployment, url);
    },
  },
];

async function seeHit(deployment: Deployment, target: string) {
  const { outcome, attempts } = await readUntilEdgeHit(async () => {
    const response = await deployment.read(target);
    await countBytes(response);
    return response.headers;
  }, sleep);
  if (outcome === "hit") return attempts === 1 ? "edge hit" : `edge hit, attempt ${attempts}`;
  return {
    says: `edge ${outcome === "unknown" ? "unknown: no Server-Timing" : outcome}, ${attempts} times`,
    remedy:
      "bypass: EDGE is off, or it was read as a pusher. miss: on workers.dev only EDGE=workers-cache keeps anything.",
  };
}

/** Reads the NAR whole, if it is not too long, and looks whether anything compressed it on the way. */
async function readNar(deployment: Deployment, acceptEncoding: string) {
  const { url, fileSize } = await deployment.readNarinfo();
  const response = await deployment.read(url, { headers: { "accept-encoding": acceptEncoding } });
  const encoding = response.headers.get("content-encoding");
  const length = response.headers.get("content-length") ?? "no Content-Length";
  const isShort = Number(length) <= MAX_READ_BYTES;
  if (!isShort) await response.body?.cancel();
  const size = isShort ? await countBytes(response) : `announced ${length}`;
  const expectedSize = `${isShort ? "" : "announced "}${fileSize} bytes`;
  return {
    expected: known(
      "Nargate",
      `200, no Content-Encoding${fileSize === undefined ? "" : `, ${expectedSize}`}`,
    ),
    says: `${response.status}, ${encoding === null ? "no Content-Encoding" : `Content-Encoding: ${encoding}`}, ${size} bytes`,
    remedy:
      "Either the bucket holds it with that encoding, or something between here and the gateway compresses.",
  };
}

async function announced(deployment: Deployment, target: string, method: "GET" | "HEAD") {
  const headers = { "accept-encoding": "identity" };
  const response = await deployment.read(target, { method, headers });
  const length = response.headers.get("content-length");
  // A read that is given up would have the edge drop what it keeps of the NAR.
  if (Number(length) <= MAX_READ_BYTES) await countBytes(response);
  else await response.body?.cancel();
  return response.status === 200 ? (length ?? "none") : `answered ${response.status}`;
}

async function countBytes(response: Response): Promise<number> {
  let count = 0;
  for await (const chunk of response.body ?? []) count += (chunk as Uint8Array).byteLength;
  return count;
}

/** The tag that vouches for the bytes; only NARs that are named after their file hash have it. */
function fileHashTag({ url, fileHash }: Narinfo): string | undefined {
  if (fileHash === undefined) return undefined;
  const text = encodeNix32(fileHash.bytes);
  return url.startsWith(`nar/${text}.nar`) ? `"${text}"` : undefined;
}
