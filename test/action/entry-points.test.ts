import { beforeEach, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";
import { createActionJob } from "../../testkit/nix/action-job.ts";
import { createNixMachine, type NixMachine } from "../../testkit/nix/nix-client.ts";

const url = "https://cache.example.org";

describe("the action's steps", () => {
  let machine: NixMachine;

  beforeEach(async () => {
    machine = await createNixMachine(await temporaryDirectory());
  });

  it("fail in one line if the workflow names no cache", async () => {
    const job = await createActionJob(machine, { inputs: {} });
    expect(await job.main()).toMatchObject({
      code: 1,
      stdout: "::error::nargate: the input url is missing. Set it to the address of the cache\n",
      stderr: "",
    });
  });

  it("fail in one line if Nix is not installed yet", async () => {
    const job = await createActionJob(machine, { inputs: { url }, env: { PATH: "/nonexistent" } });
    expect(await job.main()).toMatchObject({
      code: 1,
      stdout:
        "::error::nargate: nix is not on the PATH; install Nix. Put this step after the step that installs Nix, such as cachix/install-nix-action\n",
      stderr: "",
    });
  });

  it("have a secret masked before anything is said about it", async () => {
    const inputs = { url, token: "s3cret", "sign-key": "not a key" };
    const job = await createActionJob(machine, { inputs });
    const { stdout } = await job.main();
    expect(stdout.split("\n")).toEqual([
      "::add-mask::s3cret",
      "::add-mask::not a key",
      "::add-mask::not a key",
      expect.stringMatching(/^::error::nargate: the input sign-key is not a Nix secret key/),
      "",
    ]);
  });

  it("do nothing at the end if the first step failed", async () => {
    const job = await createActionJob(machine, { inputs: {} });
    await job.main();
    expect(await job.post("failure")).toMatchObject({
      code: 0,
      stdout: "nargate: nothing to do, because the first step of the action failed early\n",
    });
    expect(job.summary()).toBe("");
  });
});
