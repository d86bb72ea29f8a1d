import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeNix32 } from "../../src/nix/base32.ts";
import { type LocalGateway, PUSH_TOKEN, startLocalGateway } from "../setup/local-gateway.ts";

// Law 7. Read from /proc: the resident memory of workerd alone, since the
// bucket runs in this process. Each figure has room for a noisy machine; without
// a budget 25 uploads of 90 MB took 1,028 MB.

const MIB = 1024 * 1024;

describe.skipIf(!existsSync("/proc/self/status"))("the memory of uploads", () => {
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
      const before = residentMib(pid);
      let peak = before;
      const timer = setInterval(() => {
        peak = Math.max(peak, residentMib(pid));
      }, 20);
      const uploads = await Promise.all(Array.from({ length: count }, () => upload(sizeBytes)));
      clearInterval(timer);
      expect(peak - before).toBeLessThan(limitMib);
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

/** The process that this one started, by the name of its command. */
function findChild(command: string): string {
  const found = readdirSync("/proc").find((entry) => {
    if (!/^\d+$/.test(entry) || !existsSync(`/proc/${entry}/stat`)) return false;
    const [, after = ""] = readFileSync(`/proc/${entry}/stat`, "utf8").split(") ");
    const isChild = after.split(" ")[1] === String(process.pid);
    return isChild && readFileSync(`/proc/${entry}/cmdline`, "utf8").includes(command);
  });
  if (found === undefined) throw new Error(`no child runs ${command}`);
  return found;
}

function residentMib(pid: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
