import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeNix32 } from "../../../src/nix/encodings.ts";
import {
  type LocalGateway,
  PUSH_TOKEN,
  startLocalGateway,
} from "../../../testkit/node/local-gateway.ts";
import { findChild, growthOf, TELLS_MEMORY } from "../../../testkit/node/process-memory.ts";

// Law 7. Read from /proc: the resident memory of workerd alone, since the
// bucket runs in this process. Each figure has room for a noisy machine; without
// a budget 25 uploads of 90 MB took 1,028 MB.

const MIB = 1024 * 1024;

describe.skipIf(!TELLS_MEMORY)("the memory of uploads", () => {
  let gateway: LocalGateway;
  let pid: string;

  beforeAll(async () => {
    gateway = await startLocalGateway({ EDGE: "off" });
    pid = findChild("workerd");
    await upload(1 * MIB);
  }, 30_000);
  afterAll(async () => gateway.stop());

  it.each([
    { what: "one of 90 MB", count: 1, sizeBytes: 90 * MIB, limitMib: 48 },
    { what: "25 of 8 MB at once", count: 25, sizeBytes: 8 * MIB, limitMib: 160 },
    { what: "25 of 20 MB at once", count: 25, sizeBytes: 20 * MIB, limitMib: 160 },
  ])(
    "grows by less than $limitMib MB for $what, and each is stored right",
    async ({ count, sizeBytes, limitMib }) => {
      const [growthMib, uploads] = await growthOf(pid, () =>
        Promise.all(Array.from({ length: count }, () => upload(sizeBytes))),
      );
      expect(growthMib).toBeLessThan(limitMib);
      for (const { status, name, digest } of uploads) {
        expect(status).toBe(200);
        const stored = await (await fetch(`${gateway.url}${name}`)).arrayBuffer();
        expect(createHash("sha256").update(Buffer.from(stored)).digest("hex")).toBe(digest);
      }
    },
    120_000,
  );

  async function upload(sizeBytes: number) {
    const body = randomBytes(sizeBytes);
    const hash = createHash("sha256").update(body).digest();
    const name = `/nar/${encodeNix32(hash)}.nar`;
    const response = await fetch(`${gateway.url}${name}`, {
      method: "PUT",
      body,
      headers: { authorization: `Bearer ${PUSH_TOKEN}` },
    });
    return { status: response.status, name, digest: hash.toString("hex") };
  }
});
