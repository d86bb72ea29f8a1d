import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type LocalGateway,
  PUSH_TOKEN,
  startLocalGateway,
} from "../../../testkit/node/local-gateway.ts";

const MIB = 1024 * 1024;

describe("a client that goes away in the middle of its upload", () => {
  let gateway: LocalGateway;

  beforeAll(async () => {
    gateway = await startLocalGateway();
  }, 30_000);
  afterAll(async () => gateway.stop());

  it.each([
    { what: "a small one", lengthBytes: 2 * MIB, sentBytes: 1 * MIB },
    { what: "one in parts", lengthBytes: 30 * MIB, sentBytes: 20 * MIB },
  ])(
    "leaves nothing behind of $what, and the gateway goes on",
    async ({ lengthBytes, sentBytes }) => {
      gateway.bucket.forgetRequests();
      await sendPart(lengthBytes, sentBytes);
      const begun = await settle(() => count("CreateMultipartUpload"));
      const aborted = await settle(() => count("AbortMultipartUpload"));
      expect(aborted).toBe(begun);
      expect(begun).toBe(lengthBytes > 8 * MIB ? 1 : 0);
      expect(gateway.bucket.keys().filter((key) => key.startsWith("nar/"))).toEqual([]);
      // Its buffers are free again: six more uploads than there are buffers pass.
      const statuses = await Promise.all(
        Array.from({ length: 12 }, async () => {
          const response = await fetch(`${gateway.url}/log/${"0".repeat(32)}-x.drv`, {
            method: "PUT",
            body: "log",
            headers: { authorization: `Bearer ${PUSH_TOKEN}` },
          });
          return response.status;
        }),
      );
      expect(new Set(statuses)).toEqual(new Set([200]));
    },
    30_000,
  );

  const count = (operation: string) => gateway.bucket.requests({ operation }).length;

  /** Announces `lengthBytes`, sends fewer, and closes the connection. */
  async function sendPart(lengthBytes: number, sentBytes: number): Promise<void> {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `PUT /nar/${"0".repeat(52)}.nar HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${PUSH_TOKEN}\r\ncontent-length: ${lengthBytes}\r\n\r\n`,
    );
    await new Promise((resolve) => socket.write(Buffer.alloc(sentBytes), resolve));
    await sleep(500);
    socket.destroy();
  }
});

/** The value once it has not changed for a second. */
async function settle(read: () => number): Promise<number> {
  for (let last = read(), quiet = 0; ;) {
    await sleep(100);
    const value = read();
    quiet = value === last ? quiet + 1 : 0;
    last = value;
    if (quiet === 10) return value;
  }
}
