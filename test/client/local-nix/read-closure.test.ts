import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readClosure } from "../../../src/client/local-nix/read-closure.ts";
import { parseStorePathBaseName, type StorePath } from "../../../src/nix/store-path.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const STORE = { storeDir: "/nix/store", directory: undefined, url: undefined };
const pathOf = (name: string): StorePath =>
  valueOf(parseStorePathBaseName(`${"0".repeat(32)}-${name}`));
const info = (name: string) =>
  `{"path":"/nix/store/${"0".repeat(32)}-${name}","narHash":"sha256-EFUdrtf6Rn0LWIJufrmg8q99aT3jGfLvd1//zaJEufY=","narSize":120,"references":[]}`;

/** Runs with programs of Nix that are these shell scripts. */
async function readWith(nix: string, ...roots: readonly StorePath[]) {
  const bin = join(await temporaryDirectory(), "bin");
  await mkdir(bin);
  for (const [name, script] of [
    ["nix", nix],
    ["nix-store", "exit 0"],
  ] as const) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const context = createTestContext({ cwd: bin, env: { PATH: `${bin}:${process.env["PATH"]}` } });
  return await readClosure(roots, STORE, context);
}

describe("readClosure", () => {
  it("asks for a derivation itself, which old versions take for its outputs", async () => {
    const nix = `case "$*" in
      *--derivation*) echo '[${info("x.drv")}]' ;;
      *) echo '[${info("x")}]' ;;
    esac`;
    const { infos, unlisted } = await readWith(nix, pathOf("x.drv"), pathOf("x"));
    expect([...infos.values()].map(({ path }) => path.name)).toEqual(["x.drv", "x"]);
    expect(unlisted).toEqual([]);
  });

  it("names the roots that Nix does not list, as Nix 2.3 does with derivations", async () => {
    const nix = `case "$*" in
      *--derivation*) echo "error: unrecognised flag '--derivation'" >&2; exit 1 ;;
      *) echo '[${info("x")}]' ;;
    esac`;
    const { infos, unlisted } = await readWith(nix, pathOf("x.drv"));
    expect([...infos.values()].map(({ path }) => path.name)).toEqual(["x"]);
    expect(unlisted).toEqual([pathOf("x.drv")]);
  });
});
