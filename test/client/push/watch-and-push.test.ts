import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PathOutcome } from "../../../src/client/push/push-report.ts";
import { watchStore } from "../../../src/client/push/store-watcher.ts";
import { watchAndPush } from "../../../src/client/push/watch-and-push.ts";
import { createPlainProgress } from "../../../src/client/progress/progress.ts";
import { parseStorePathBaseName, type StorePath } from "../../../src/nix/store-path.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";

function nameOf(name: string): string {
  const digit = "abcdfghijklmnpqrsvwxyz".charAt(name.length);
  return `${digit.repeat(32)}-${name}`;
}

function pathOf(name: string): StorePath {
  const parsed = parseStorePathBaseName(nameOf(name));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

describe("watchStore", () => {
  it("finds each new path once, when it is valid", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, nameOf("old")), "");
    const invalid = new Set<string>();
    const watcher = await watchStore(directory, async () => invalid);
    for (const name of ["one", "second", "one.drv", "Cargo.lock"]) {
      await writeFile(join(directory, nameOf(name)), "");
    }
    await writeFile(join(directory, ".links"), "");
    invalid.add(nameOf("second"));
    const found = await watcher.findNew(false);
    expect(found.map(({ name }) => name).toSorted()).toEqual(["Cargo.lock", "one"]);
    expect(await watcher.findNew(false)).toEqual([]);
    invalid.clear();
    expect(await watcher.findNew(false)).toEqual([pathOf("second")]);
  });

  it("finds at the end what was there and not valid: the output of a build that failed", async () => {
    const directory = await temporaryDirectory();
    for (const name of ["old", "failed"]) await writeFile(join(directory, nameOf(name)), "");
    const invalid = new Set([nameOf("failed")]);
    const asked: string[] = [];
    const watcher = await watchStore(directory, async (paths) => {
      asked.push(paths.map(({ name }) => name).join(" "));
      return invalid;
    });
    invalid.clear();
    asked.length = 0;
    expect(await watcher.findNew(false)).toEqual([]);
    // Thousands may lie there, so Nix is not asked for them each second.
    expect(asked).toEqual([]);
    expect(await watcher.findNew(true)).toEqual([pathOf("failed")]);
    expect(await watcher.findNew(true)).toEqual([]);
  });

  it("finds paths in a store that did not exist yet", async () => {
    const parent = await temporaryDirectory();
    const watcher = await watchStore(join(parent, "absent"), async () => new Set());
    expect(await watcher.findNew(false)).toEqual([]);
  });
});

const succeed = (path: StorePath): PathOutcome => ({
  kind: "pushed",
  path,
  narSize: 1,
  fileSize: 1,
  sentBytes: 1,
  seconds: 0,
});

interface Setting {
  /** The new paths of each look at the store. The last look is after the end of the command. */
  readonly found: readonly (readonly StorePath[])[];
  readonly push: (roots: readonly StorePath[], count: number) => readonly PathOutcome[];
}

async function watch({ found, push }: Setting) {
  const command = Promise.withResolvers<void>();
  const pushed: (readonly string[])[] = [];
  const dones: string[][] = [];
  let said = "";
  const context = createTestContext({ stderr: { write: (text) => (said += text) } });
  const progress = createPlainProgress(context);
  let looks = 0;
  const outcomes = await watchAndPush({
    watcher: {
      async findNew() {
        looks++;
        if (looks === found.length - 1) command.resolve();
        return found[looks - 1] ?? [];
      },
    },
    async push(roots, done) {
      pushed.push(roots.map(({ name }) => name));
      dones.push([...done]);
      return push(roots, pushed.length);
    },
    ended: command.promise,
    progress: { during: progress, after: () => progress },
    context: { ...context, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
  });
  return { outcomes, pushed, dones, said };
}

describe("watchAndPush", () => {
  it("pushes in batches while the command runs, and the rest after it", async () => {
    const found = [[pathOf("a")], [], [pathOf("bb"), pathOf("ccc")]];
    const { outcomes, pushed, dones } = await watch({ found, push: (roots) => roots.map(succeed) });
    expect(pushed).toEqual([["a"], ["bb", "ccc"]]);
    expect(dones).toEqual([[], [nameOf("a")]]);
    expect(outcomes.map(({ path: { name }, kind }) => `${name} ${kind}`)).toEqual([
      "a pushed",
      "bb pushed",
      "ccc pushed",
    ]);
  });

  it("tries once more at the end what failed, and tells the last outcome alone", async () => {
    const found = [[pathOf("a"), pathOf("bb")], []];
    const { outcomes, pushed } = await watch({
      found,
      push: (roots, count) =>
        roots.map((path) =>
          count === 1 && path.name === "a"
            ? { kind: "failed", path, message: "no" }
            : succeed(path),
        ),
    });
    expect(pushed).toEqual([["a", "bb"], ["a"]]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["pushed", "pushed"]);
  });

  it("survives a batch that cannot be pushed at all, and says so", async () => {
    const { outcomes, said } = await watch({
      found: [[pathOf("a")], []],
      push: () => {
        throw new Error("nix is broken");
      },
    });
    expect(outcomes).toEqual([{ kind: "failed", path: pathOf("a"), message: "nix is broken" }]);
    expect(said).toContain("could not push: nix is broken\n");
  });
});
