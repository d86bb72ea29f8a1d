import { createHash, randomBytes } from "node:crypto";
import zlib from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeNix32 } from "../../../src/nix/encodings.ts";
import {
  type LocalGateway,
  PUSH_TOKEN,
  startLocalGateway,
} from "../../../testkit/node/local-gateway.ts";
import { findChild, growthOf, TELLS_MEMORY } from "../../../testkit/node/process-memory.ts";

// Law 7, as in upload-memory.test.ts: unpacking takes no more memory for a larger NAR,
// nor for more NARs at once.

const MIB = 1024 * 1024;
const headers = { authorization: `Bearer ${PUSH_TOKEN}` };
const nix32Of = (bytes: Uint8Array) => encodeNix32(createHash("sha256").update(bytes).digest());

interface Packed {
  readonly narPath: string;
  readonly file: Buffer;
  narinfo(hash: string): string;
}

/** Half of the NAR compresses well. The file asks for 8 MiB of memory, as `zstd -19` does. */
function makePacked(sizeBytes: number): Packed {
  const nar = Buffer.alloc(sizeBytes, 7);
  randomBytes(sizeBytes / 2).copy(nar);
  const file = zlib.zstdCompressSync(nar, {
    params: {
      [zlib.constants.ZSTD_c_windowLog]: 23,
      [zlib.constants.ZSTD_c_compressionLevel]: 1,
    },
  });
  const fileHash = nix32Of(file);
  const narPath = `nar/${fileHash}.nar.zst`;
  const lines = [
    `URL: ${narPath}`,
    "Compression: zstd",
    `FileHash: sha256:${fileHash}`,
    `FileSize: ${file.byteLength}`,
    `NarHash: sha256:${nix32Of(nar)}`,
    `NarSize: ${sizeBytes}`,
    "References: ",
  ];
  const narinfo = (hash: string) => `StorePath: /nix/store/${hash}-x\n${lines.join("\n")}\n`;
  return { narPath, file, narinfo };
}

describe.skipIf(!TELLS_MEMORY)("the memory of proofs", () => {
  let gateway: LocalGateway;
  let pid: string;
  let pushed = 0;

  beforeAll(async () => {
    gateway = await startLocalGateway({ EDGE: "off", PROVE: "contents" });
    pid = findChild("workerd");
    const warm = await store(makePacked(8 * MIB));
    await publish(warm);
  }, 60_000);
  afterAll(async () => gateway.stop());

  async function store(packed: Packed): Promise<Packed> {
    const { narPath, file } = packed;
    const response = await fetch(`${gateway.url}/${narPath}`, {
      method: "PUT",
      body: file,
      headers,
    });
    if (response.status !== 200) throw new Error(await response.text());
    return packed;
  }

  async function publish({ narinfo }: Packed): Promise<number> {
    const hash = String(++pushed).padStart(32, "0");
    const body = narinfo(hash);
    const url = `${gateway.url}/${hash}.narinfo`;
    const response = await fetch(url, { method: "PUT", body, headers });
    return response.status;
  }

  it.each([
    { what: "a NAR of 400 MB", count: 1, sizeBytes: 400 * MIB },
    { what: "12 NARs of 40 MB at once", count: 12, sizeBytes: 40 * MIB },
  ])(
    "grows by less than 56 MB for $what",
    async ({ count, sizeBytes }) => {
      const packed: Packed[] = [];
      for (let made = 0; made < count; made++) packed.push(await store(makePacked(sizeBytes)));
      const [growthMib, statuses] = await growthOf(pid, () => Promise.all(packed.map(publish)));
      expect(statuses).toEqual(packed.map(() => 200));
      expect(growthMib).toBeLessThan(56);
    },
    120_000,
  );
});
