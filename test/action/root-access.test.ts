import { describe, expect, it } from "vitest";
import { restartDaemon } from "../../src/action/root-access.ts";
import { createTestContext } from "../../testkit/node/test-context.ts";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";
import { addFakePrograms, SUDO } from "../../testkit/nix/fake-programs.ts";
import { createFakeRunner } from "../../testkit/node/fake-runner.ts";

async function restart(platform: NodeJS.Platform, scripts: Readonly<Record<string, string>>) {
  const directory = await temporaryDirectory();
  const programs = await addFakePrograms({ directory }, { sudo: SUDO, ...scripts });
  const context = createTestContext({ env: { PATH: programs.path }, cwd: directory });
  const runner = createFakeRunner();
  const restarted = await restartDaemon({ ...context, runner, platform });
  const calls = (await programs.calls()).filter((call) => !call.startsWith("sudo"));
  return { restarted, calls };
}

describe("restartDaemon", () => {
  it("asks systemd on Linux", async () => {
    expect(await restart("linux", { systemctl: "exit 0" })).toEqual({
      restarted: "systemctl restart nix-daemon.service",
      calls: ["systemctl restart nix-daemon.service"],
    });
  });

  it("asks launchd on macOS, for Determinate's service first", async () => {
    const launchctl = `[ "$3" = system/org.nixos.nix-daemon ]`;
    expect(await restart("darwin", { launchctl })).toEqual({
      restarted: "launchctl kickstart -k system/org.nixos.nix-daemon",
      calls: [
        "launchctl kickstart -k system/systems.determinate.nix-daemon",
        "launchctl kickstart -k system/org.nixos.nix-daemon",
      ],
    });
  });

  it("returns undefined if no command works", async () => {
    expect(await restart("linux", { systemctl: "exit 1" })).toMatchObject({ restarted: undefined });
  });
});
