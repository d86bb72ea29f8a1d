import { describe, expect, it } from "vitest";
import {
  formatPublicKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
} from "../../../src/nix/signature.ts";
import type { ProcessContext } from "../../../src/client/process-context.ts";
import { runNargate } from "../../../testkit/node/run-nargate.ts";
import { samplePath } from "../../../testkit/node/sample-path.ts";
import {
  serveSignerGateway,
  type SignerGatewayOptions,
} from "../../../testkit/node/serve-signer-gateway.ts";
import { startAuditBucket } from "../../../testkit/node/start-audit-bucket.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const KEY = await generateSecretKey("team-1");
const PUBLIC_KEY = formatPublicKey(publicKeyOf(valueOf(parseSecretKey(KEY))));

async function startBroken(options: SignerGatewayOptions = {}) {
  const bucket = await startAuditBucket();
  const [bad, gone, sound] = await Promise.all(
    ["bad", "gone", "sound"].map((name) => samplePath(name, { secretKeys: [KEY] })),
  );
  if (bad === undefined || gone === undefined || sound === undefined) throw new Error("no paths");
  await bucket.add(bad, gone, sound);
  await bucket.view.write(bad.narUrl, Buffer.from(bad.nar.toString().toUpperCase()));
  await bucket.view.remove(gone.narUrl);
  const facts = { publicKeys: [PUBLIC_KEY] };
  const gateway = await serveSignerGateway(bucket.view, { facts, ...options });
  const run = (args: readonly string[], overrides: Partial<ProcessContext> = {}) =>
    runNargate(["fsck", "--to", gateway.url, ...args], {
      env: { ...bucket.env, NARGATE_TOKEN: "t" },
      ...overrides,
    });
  return { ...bucket, ...gateway, bad, gone, sound, run };
}
const broken = ({ bad, gone }: Awaited<ReturnType<typeof startBroken>>) =>
  [bad, gone].map(({ hash }) => `${hash}.narinfo?force=true`).toSorted();

/** A terminal at which somebody types. */
const answering = (text: string) => ({
  isTTY: true,
  async *[Symbol.asyncIterator]() {
    yield text;
  },
});

describe("nargate fsck --deep --repair", () => {
  it("shows what it does, unpublishes what is broken, and then exits with 0", async () => {
    const bucket = await startBroken();
    const { run, deletes, bad, gone, view, sound } = bucket;
    const { code, stdout, stderr } = await run(["--deep", "--repair", "--yes"]);
    expect(code).toBe(0);
    expect(stderr).toContain("The NARs of the bucket: 2 files, 30 B to download.\n");
    expect(stderr).toContain(
      "2 paths to unpublish, if another look at each finds the same:\n  /nix/store/",
    );
    expect(stdout).toContain(`WRONG CONTENTS  ${bad.baseName}  its hash is not NarHash\n`);
    expect(stdout).toContain(`unpublished     ${gone.baseName}  its NAR is gone\n`);
    expect(deletes.filter((target) => target.includes(".narinfo?")).toSorted()).toEqual(
      broken(bucket),
    );
    expect(deletes).toContain(`${bad.narUrl}?force=true`);
    expect(await view.read(`${sound.hash}.narinfo`)).toBeDefined();
    expect((await run(["--deep"])).code).toBe(0);
  });

  it("does nothing in a dry run, and without --deep unpublishes only what has no NAR", async () => {
    const { run, deletes, gone } = await startBroken();
    const dry = await run(["--deep", "--repair", "--dry-run"]);
    expect([dry.code, deletes]).toEqual([1, []]);
    expect(dry.stdout).toContain(`would unpublish ${gone.baseName}  its NAR is gone\n`);
    await run(["--repair", "--yes"]);
    expect(deletes).toEqual([`${gone.hash}.narinfo?force=true`]);
  });

  it("asks on a terminal, and without one demands --yes before it reads the bucket", async () => {
    const { run, deletes, b2 } = await startBroken();
    const no = await run(["--repair"], { stdin: answering("n\n") });
    expect([no.code, deletes]).toEqual([1, []]);
    expect(no.stderr).toContain("Unpublish them? [y/N] Nothing was unpublished.\n");
    b2.server.requests.clear(b2.bucket);
    const none = await run(["--repair"]);
    expect([none.code, b2.server.requests.list({ bucket: b2.bucket })]).toEqual([2, []]);
    expect((await run(["--repair"], { stdin: answering("y\n") })).code).toBe(0);
  });

  it("needs the scope admin, and the gateway of the same bucket", async () => {
    const pusher = await startBroken({ scopes: ["push"] });
    const refused = await pusher.run(["--repair", "--yes"]);
    expect([refused.code, pusher.deletes]).toEqual([1, []]);
    expect(refused.stderr).toContain("has the scope push, and a repair needs admin");

    const other = await startBroken();
    const empty = await startAuditBucket();
    const { url, deletes } = await serveSignerGateway(empty.view);
    const mixed = await other.run(["--repair", "--yes", "--to", url]);
    expect([mixed.code, deletes]).toEqual([1, []]);
    expect(mixed.stderr).toContain("does not show the paths of this bucket");
  });

  it("exits with 1 if something else is wrong, or a path could not be unpublished", async () => {
    const unsigned = await startBroken();
    await unsigned.add(await samplePath("unsigned"));
    expect((await unsigned.run(["--repair", "--yes"])).code).toBe(1);
    const refusing = await startBroken({ deleteStatus: 403 });
    const { code, stdout } = await refusing.run(["--repair", "--yes", "--json"]);
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split("\n");
    expect(JSON.parse(lines.at(-2) ?? "")).toMatchObject({ status: "failed" });
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ summary: { checked: 3 } });
  });
});
