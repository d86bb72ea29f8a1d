import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalGateway, startLocalGateway } from "../../../testkit/node/local-gateway.ts";
import { findChild, growthOf, TELLS_MEMORY } from "../../../testkit/node/process-memory.ts";

// Law 7, for readers of a narinfo that somebody else wrote into the bucket. Parsed in
// memory, 50 readers of one of 524,000 lines took 1.9 GB.

const HASH = "0123456789abcdfghijklmnpqrsvwxyz";
const READERS = 50;

describe.skipIf(!TELLS_MEMORY)("the memory of readers of one narinfo", () => {
  let gateway: LocalGateway;

  beforeAll(async () => {
    gateway = await startLocalGateway({ EDGE: "off" });
  }, 30_000);
  afterAll(async () => gateway.stop());

  it.each([
    { what: "2 MiB in 524,000 lines", line: "x:\n", lines: 524_000 },
    { what: "just what is inspected, in 80,000 lines", line: "x:\n", lines: 80_000 },
    { what: "100,000 references", line: "", lines: 1, references: 100_000 },
  ])(
    "does not grow with $what",
    async ({ line, lines, references = 0 }) => {
      const listed = Array.from({ length: references }, (_, at) => `${HASH}-r${at}`).join(" ");
      const text = [
        `StorePath: /nix/store/${HASH}-thing`,
        `URL: nar/${"0".repeat(52)}.nar`,
        `NarHash: sha256:${"0".repeat(52)}`,
        "NarSize: 5",
        `References: ${listed}`,
        line.repeat(lines),
      ].join("\n");
      await gateway.bucket.write(`${HASH}.narinfo`, Buffer.from(text), "text/x-nix-narinfo");
      const read = async () => {
        const answer = await fetch(`${gateway.url}/${HASH}.narinfo`);
        return [answer.status, (await answer.arrayBuffer()).byteLength];
      };
      expect(await read()).toEqual([200, Buffer.byteLength(text)]);
      const [growthMib, answers] = await growthOf(findChild("workerd"), () =>
        Promise.all(Array.from({ length: READERS }, read)),
      );
      expect(growthMib).toBeLessThan(120);
      expect(new Set(answers.map(([status]) => status))).toEqual(new Set([200]));
    },
    60_000,
  );
});
