import { describe, expect, it } from "vitest";
import {
  formatPublicKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
} from "../../../src/nix/signature.ts";
import { runNargate } from "../../../testkit/node/run-nargate.ts";
import { samplePath } from "../../../testkit/node/sample-path.ts";
import { serve } from "../../../testkit/node/serve.ts";
import { startAuditBucket } from "../../../testkit/node/start-audit-bucket.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const KEY = await generateSecretKey("team-1");
const PUBLIC_KEY = formatPublicKey(publicKeyOf(valueOf(parseSecretKey(KEY))));

/** A bucket with something of each kind beside the paths, eight days ago. */
async function startLittered() {
  const bucket = await startAuditBucket();
  const other = await samplePath("other");
  const sound = await samplePath("sound", { secretKeys: [KEY], references: [other] });
  await bucket.add(sound);
  for (let count = 0; count < 12; count++) {
    await bucket.view.write(`nar/${"0".repeat(50)}${count + 10}.nar.zst`, Buffer.alloc(2000));
  }
  const incoming = `.incoming/${"1".repeat(52)}.nar.xz/0123456789abcdef/${"2".repeat(32)}`;
  await bucket.view.write(incoming, Buffer.alloc(3000));
  await bucket.beginUpload(incoming);
  bucket.passDays(8);
  const { now, env } = bucket;
  const run = (...args: readonly string[]) =>
    runNargate(["fsck", "--public-key", PUBLIC_KEY, ...args], { env, now });
  return { ...bucket, other, sound, incoming, run };
}

describe("nargate fsck, beside the paths", () => {
  it("tells what takes room, with ten names of each kind, and exits with 0", async () => {
    const { run, other, incoming, view } = await startLittered();
    await view.write("nar/new.nar", Buffer.from("x"));
    const { code, stdout, stderr } = await run();
    expect([code, stderr]).toEqual([0, ""]);
    const [, beside = ""] = stdout.split("Beside the paths:\n");
    const nars = Array.from(
      { length: 10 },
      (_, index) => `    nar/${"0".repeat(50)}${index + 10}.nar.zst  2.0 KiB`,
    );
    expect(beside).toBe(
      [
        "        1 reference to another cache (--upstream URL asks it)",
        `    ${other.baseName}`,
        "       12 NARs that no path names, and that only take room (23.4 KiB)",
        ...nars,
        "    … and 2 more, which --json lists",
        "        1 NAR of the last day that no path names yet (1 B)",
        "        1 upload, older than a week, that was never proved (2.9 KiB)",
        `    ${incoming}  2.9 KiB`,
        "        1 upload that was never completed: set the lifecycle rules",
        `    ${incoming}`,
        "",
      ].join("\n"),
    );
    const names = stdout.split("\n").filter((line) => !line.includes(".incoming/"));
    expect(names.every((line) => line.length <= 80)).toBe(true);
  });

  it("says that unreadable narinfos may name the NARs", async () => {
    const { run, view } = await startLittered();
    expect((await run()).stdout).not.toContain("may name");
    await view.write(`${"0".repeat(32)}.narinfo`, Buffer.from("\u{fd}7zXZ\0", "latin1"));
    expect((await run()).stdout).toContain(
      "    (a narinfo that cannot be read may name some: there are 1)\n",
    );
  });

  it("looks at nothing of that with --quick", async () => {
    const { run, b2 } = await startLittered();
    b2.server.requests.clear(b2.bucket);
    const { code, stdout } = await run("--quick");
    expect([code, stdout.includes("Beside")]).toEqual([0, false]);
    expect(b2.server.requests.list({ bucket: b2.bucket })).toHaveLength(3);
  });

  it("prints a line of JSON for each, and the sums last", async () => {
    const { run, other, sound, incoming } = await startLittered();
    const { stdout } = await run("--json");
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(16);
    expect(lines[0]).toEqual({
      verdict: "reference-elsewhere",
      name: other.storePath,
      referrer: sound.hash,
    });
    expect(lines[13]).toEqual({
      verdict: "upload-left",
      name: incoming,
      size: 3000,
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
    expect(lines.at(-1)).toMatchObject({
      summary: { checked: 1, beside: { "nar-loose": { count: 12, bytes: 24_000 } } },
    });
  });

  it("exits with 1 for a reference that no cache has", async () => {
    const { run, other, sound } = await startLittered();
    const upstream = await serve((_, response) => response.writeHead(404).end());
    const { code, stdout } = await run("--upstream", upstream);
    expect(code).toBe(1);
    expect(stdout).toContain(
      `NO REFERENCE    ${other.baseName}\n                named by ${sound.hash}\n`,
    );
    expect(stdout).toContain("        1 reference that no cache has: push it\n");
  });

  it("lets no name of an object write to the terminal", async () => {
    const { run, view, passDays } = await startLittered();
    const evil = "\u001B]0;owned\u0007\u202E";
    await view.write(`nar/${evil}.nar`, Buffer.from("x"));
    passDays(8);
    for (const args of [[], ["--json"]]) {
      // oxlint-disable-next-line no-control-regex -- it looks for control characters
      expect((await run(...args)).stdout).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u202E]/);
    }
  });
});
