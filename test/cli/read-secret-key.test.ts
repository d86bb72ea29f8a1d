import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { readSecretKey } from "../../src/cli/read-secret-key.ts";
import { generateSecretKey } from "../../src/nix/signature.ts";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";
import { createTestContext } from "../../testkit/node/test-context.ts";

const KEY = await generateSecretKey("team-1");

function inputOf(...chunks: readonly string[]) {
  return {
    async *[Symbol.asyncIterator]() {
      yield* chunks;
    },
  };
}

describe("readSecretKey", () => {
  it("reads a file, from the directory of the user", async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, "key"), `${KEY}\n`);
    const key = await readSecretKey("--key-file", "key", createTestContext({ cwd }));
    expect(key.name).toBe("team-1");
  });

  it("reads standard input, also in pieces", async () => {
    const stdin = inputOf(KEY.slice(0, 20), `${KEY.slice(20)}\n`);
    const key = await readSecretKey("--key-file", "-", createTestContext({ stdin }));
    expect(key.name).toBe("team-1");
  });

  it("reads a pipe of the shell", async () => {
    const script = `
      import { readSecretKey } from "./src/cli/read-secret-key.ts";
      const key = await readSecretKey("--key-file", process.argv[1], { cwd: "/", stdin: process.stdin });
      console.log(key.name);`;
    const file = join(await temporaryDirectory(), "key");
    await writeFile(file, KEY);
    const command = `"${process.execPath}" --no-warnings --input-type=module -e '${script}' <(cat "${file}")`;
    const { stdout } = await promisify(execFile)("bash", ["-c", command]);
    expect(stdout).toBe("team-1\n");
  });

  it.each([
    {
      what: "is absent",
      file: "absent",
      says: "cannot read --key-file absent: there is no such file",
    },
    {
      what: "has no end",
      file: "/dev/zero",
      says: "--key-file /dev/zero is too long to be such a file",
    },
    { what: "is empty", file: "/dev/null", says: "--key-file /dev/null is empty" },
  ])("refuses a file that $what", async ({ file, says }) => {
    await expect(readSecretKey("--key-file", file, createTestContext())).rejects.toThrow(says);
  });

  it("never quotes what it read", async () => {
    const damaged = `${KEY.slice(0, -6)}AAAA==`;
    const reading = readSecretKey(
      "--key-file",
      "-",
      createTestContext({ stdin: inputOf(damaged) }),
    );
    const failure = await reading.then(
      () => "no failure",
      (error: Error) => error.message,
    );
    expect(failure).toMatch(/is damaged|is not a Nix secret key/);
    expect(failure).not.toContain(KEY.slice(10, 30));
  });
});
