import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  findFreePort,
  PUSH_TOKEN,
  startLocalGateway,
} from "../../../testkit/node/local-gateway.ts";
import { npmStart } from "../../../testkit/node/npm-start.ts";
import { findChild, growthOf, TELLS_MEMORY } from "../../../testkit/node/process-memory.ts";
import {
  createPartUploader,
  makeNar,
  type MadeNar,
} from "../../../testkit/node/upload-by-parts.ts";

const MIB = 1024 * 1024;
const PART_BYTES = 16 * MIB;

async function readDigest(url: string, { fileHash }: MadeNar): Promise<string> {
  const response = await fetch(`${url}/nar/${fileHash}.nar.zst`);
  const hash = createHash("sha256");
  for await (const chunk of response.body ?? []) hash.update(chunk);
  return hash.digest("hex");
}

describe("an upload by parts", { timeout: 120_000 }, () => {
  // Law 7: the resident memory of workerd alone. By hand, 1.5 GB took 24 MB.
  it.skipIf(!TELLS_MEMORY)("of 300 MB takes no more memory than a small one", async () => {
    const gateway = await startLocalGateway({ EDGE: "off" });
    try {
      const pid = findChild("workerd");
      const uploader = createPartUploader(gateway.url, PUSH_TOKEN);
      await uploader.complete(await uploader.send(makeNar(17 * MIB, PART_BYTES)));
      const nar = makeNar(300 * MIB + 12_345, PART_BYTES);
      const handle = await uploader.send(nar);
      const [growthMib, lines] = await growthOf(pid, () => uploader.complete(handle));
      expect(lines.at(-1)).toBe('{"status":"stored"}');
      expect(growthMib).toBeLessThan(48);
      expect(await readDigest(gateway.url, nar)).toBe(nar.sha256);
    } finally {
      await gateway.stop();
    }
  });

  it("works with the embedded bucket of npm start", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "nargate-start-"));
    const port = await findFreePort();
    const server = await npmStart({
      PATH: process.env["PATH"] ?? "",
      PORT: String(port),
      NARGATE_STATE: directory,
    });
    try {
      await server.serving;
      const url = `http://127.0.0.1:${port}`;
      const uploader = createPartUploader(url, server.token("push"));
      const nar = makeNar(17 * MIB, PART_BYTES);
      const lines = await uploader.complete(await uploader.send(nar));
      expect(lines.at(-1)).toBe('{"status":"stored"}');
      expect(await readDigest(url, nar)).toBe(nar.sha256);
    } finally {
      server.interrupt();
      await server.ended;
      await rm(directory, { recursive: true, force: true });
    }
  });
});
