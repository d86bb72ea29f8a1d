import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createPuller, createPusher, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import {
  type LocalGateway,
  startLocalGateway,
  stopProving,
} from "../../testkit/node/local-gateway.ts";
import { createNargate, type NargateCommand } from "../../testkit/nix/nargate-command.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addNoise } from "../../testkit/nix/nix-paths.ts";

const MB = 1024 * 1024;

describe.skipIf(!hasNix)("nargate push that was cut off", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;
  let nargate: NargateCommand;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    await stopProving(gateway);
    pusher = await createPusher(gateway);
    nargate = await createNargate(pusher, gateway);
  });
  afterAll(() => gateway.stop());

  const storedParts = () => gateway.bucket.requests({ operation: "UploadPart", status: 200 });

  it("sends only the parts that are missing after a kill -9", async () => {
    const noise = await addNoise(pusher, "noise-150-mb", 150 * MB);
    gateway.bucket.forgetRequests();
    gateway.faults.add({ match: { operation: "UploadPart" }, effect: { delayMs: 300 } });
    const doomed = nargate.start("push", noise);
    await vi.waitUntil(() => storedParts().length >= 3, 30_000);
    doomed.kill();
    await doomed.ended;
    gateway.faults.clear();
    // What was under way is cut, and ends some way or other.
    await vi.waitUntil(() => {
      const parts = gateway.bucket.requests({ operation: "UploadPart" });
      return parts.every(({ status, bytesIn }) => status !== 0 || bytesIn < 16 * MB);
    });
    const before = storedParts().length;
    expect(before).toBeLessThan(10);
    expect(gateway.bucket.openUploads()).toBe(1);

    gateway.bucket.forgetRequests();
    const { stdout } = await nargate.run("push", "--json", noise);
    expect(JSON.parse(stdout).pushed).toMatchObject([
      { path: noise, sentBytes: expect.any(Number) },
    ]);
    expect(storedParts()).toHaveLength(10 - before);
    expect(gateway.bucket.requests({ operation: "UploadPart" })).toHaveLength(10 - before);
    expect(gateway.bucket.requests({ operation: "CreateMultipartUpload" })).toEqual([]);
    expect(gateway.bucket.openUploads()).toBe(0);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", noise);
    await verifyStore(puller);
  });

  it("sends no large NAR again that was stored without its narinfo", async () => {
    const noise = await addNoise(pusher, "noise-20-mb", 20 * MB);
    const top = await addBuilt(pusher, { name: "unpublished", references: [noise] });
    gateway.faults.add({
      match: { operation: "PutObject", keyPattern: "\\.narinfo$" },
      effect: { status: 403, code: "AccessDenied" },
    });
    expect((await nargate.attempt("push", top)).code).toBe(1);
    gateway.faults.clear();
    gateway.bucket.forgetRequests();
    const { stdout } = await nargate.run("push", "--json", top);
    const { pushed, failed } = JSON.parse(stdout);
    expect(failed).toEqual([]);
    expect(pushed).toContainEqual(expect.objectContaining({ path: noise, sentBytes: 0 }));
    const written = gateway.bucket.requests({ method: "PUT", status: 200 });
    // The other path has a tiny NAR, which is sent without a question whether it is stored.
    // The listing of an unpublished path is written again.
    const kinds = written.map(({ key }) => key.replace(/^.*\./, "")).toSorted();
    expect(kinds).toEqual(["ls", "ls", "narinfo", "narinfo", "zst"]);
  });

  it("goes on after Ctrl-C, which leaves the exit code 130", async () => {
    const noise = await addNoise(pusher, "interrupted-60-mb", 60 * MB);
    gateway.bucket.forgetRequests();
    gateway.faults.add({ match: { operation: "UploadPart" }, effect: { delayMs: 500 } });
    const running = nargate.start("push", noise);
    await vi.waitUntil(
      () => gateway.bucket.requests({ operation: "UploadPart" }).length > 0,
      30_000,
    );
    running.interrupt();
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toBe(
      "nargate: interrupted. Run the command again to continue where it stopped\n",
    );
    gateway.faults.clear();
    await nargate.run("push", noise);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", noise);
  });
});
