import { setTimeout as sleep } from "node:timers/promises";
import { encodeNix32 } from "../../src/nix/encodings.ts";
import type { Narinfo } from "../../src/nix/narinfo.ts";
import { readUntilEdgeHit } from "../../src/client/gateway/cloudflare-answers.ts";
import { type Check, known, NotSeen } from "../../src/checks/check.ts";
import type { Deployment } from "./deployment.ts";

/** The size of the largest NAR that the canary reads whole. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

/** Checks for a store path that the cache has. */
export const PATH_CHECKS: readonly Check<Deployment>[] = [
  {
    check: "the narinfo of --path",
    expected: known("Nargate", "200"),
    async observe(deployment) {
      try {
        const { storePath } = await deployment.readNarinfo();
        return storePath.hash === deployment.path?.hash
          ? "200"
          : "the narinfo describes another store path";
      } catch (error) {
        return (error as Error).message;
      }
    },
  },
  {
    check: "the second read of the narinfo",
    expected: known("Nargate", "edge hit"),
    observe: (deployment) => seeHit(deployment, `${deployment.path?.hash}.narinfo`),
  },
  {
    check: "the NAR with Range: bytes=1-8",
    async observe(deployment) {
      const narinfo = await deployment.readNarinfo();
      const response = await deployment.read(narinfo.url, { headers: { range: "bytes=1-8" } });
      const length = await countBytes(response);
      const range = response.headers.get("content-range") ?? "no Content-Range";
      const tag = fileHashTag(narinfo);
      const etag = response.headers.get("etag") ?? "none";
      // A narinfo of an old bucket may lack the size and the hash of its NAR.
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
    check: "the length of the NAR, by HEAD and by GET",
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
    check: "the NAR with Accept-Encoding: identity",
    observe: (deployment) => readNar(deployment, "identity"),
  },
  {
    check: "the NAR with Accept-Encoding: zstd, br, gzip",
    observe: (deployment) => readNar(deployment, "zstd, br, gzip"),
  },
  {
    check: "the second read of the NAR",
    expected: known("Nargate", "edge hit"),
    async observe(deployment) {
      const { url } = await deployment.readNarinfo();
      const length = Number(await announced(deployment, url, "HEAD"));
      if (length > MAX_READ_BYTES) {
        throw new NotSeen(`the NAR has ${length} bytes, and the canary reads at most 64 MiB`, {
          verdict: "skipped",
        });
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
    says: `edge ${outcome === "unknown" ? "unknown: no Server-Timing header" : outcome}, in ${attempts} attempts`,
    remedy:
      "For bypass: set EDGE in the gateway's settings if it is off, and do not read with a push token. For miss on workers.dev: set EDGE to workers-cache, because cache-api keeps nothing there.",
  };
}

/** Checks that nothing compressed the NAR on its way. Reads it whole if it has at most 64 MiB. */
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
      "Look for a proxy between this machine and the gateway that compresses answers, and for a Content-Encoding that the bucket stores with the NAR.",
  };
}

async function announced(deployment: Deployment, target: string, method: "GET" | "HEAD") {
  const headers = { "accept-encoding": "identity" };
  const response = await deployment.read(target, { method, headers });
  const length = response.headers.get("content-length");
  // If a read stops early, the edge drops the NAR that it is about to store.
  if (Number(length) <= MAX_READ_BYTES) await countBytes(response);
  else await response.body?.cancel();
  return response.status === 200 ? (length ?? "none") : `answered ${response.status}`;
}

async function countBytes(response: Response): Promise<number> {
  let count = 0;
  for await (const chunk of response.body ?? []) count += (chunk as Uint8Array).byteLength;
  return count;
}

/** Returns the ETag that proves the bytes. Only a NAR that is named after its file hash has it. */
function fileHashTag({ url, fileHash }: Narinfo): string | undefined {
  if (fileHash === undefined) return undefined;
  const text = encodeNix32(fileHash.bytes);
  return url.startsWith(`nar/${text}.nar`) ? `"${text}"` : undefined;
}
