import { mkdir, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readBuildSeconds } from "../../../src/client/local-nix/build-log.ts";
import { parseStorePathBaseName } from "../../../src/nix/store-path.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const HASH = "0123456789abcdfghijklmnpqrsvwxyz";
const deriver = valueOf(parseStorePathBaseName(`${HASH}-thing.drv`));
const built = { deriver, isUltimate: true };

/** Makes the log of a build that took so long, in a store below another root. */
async function makeLog(seconds: number, file = `${HASH.slice(2)}-thing.drv.bz2`) {
  const root = await temporaryDirectory();
  const folder = path.join(root, "nix/var/log/nix/drvs", HASH.slice(0, 2));
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, file), "log");
  const { birthtimeMs } = await stat(path.join(folder, file));
  const end = birthtimeMs / 1000 + seconds;
  await utimes(path.join(folder, file), end, end);
  return { root, store: { url: root, storeDir: "/nix/store", directory: `${root}/nix/store` } };
}

describe("readBuildSeconds", () => {
  it("returns the time from the birth of the log to its last write", async () => {
    const { root, store } = await makeLog(12.34);
    expect(await readBuildSeconds(built, store, {})).toBe(12.3);
    // The log is looked for below the root of the store, or where NIX_LOG_DIR says.
    const elsewhere = { ...store, directory: "/nonexistent/nix/store" };
    const env = { NIX_LOG_DIR: path.join(root, "nix/var/log/nix") };
    expect(await readBuildSeconds(built, elsewhere, {})).toBeUndefined();
    expect(await readBuildSeconds(built, elsewhere, env)).toBe(12.3);
  });

  it("reads a log that is not packed", async () => {
    const { store } = await makeLog(7, `${HASH.slice(2)}-thing.drv`);
    expect(await readBuildSeconds(built, store, {})).toBe(7);
  });

  it.each([
    ["a path that was copied into the store", { deriver, isUltimate: false }, 5],
    ["a path without a deriver", { deriver: undefined, isUltimate: true }, 5],
    ["a log that was last written before its birth", built, -5],
    ["a log whose first try was days ago", built, 2 * 24 * 3600],
  ])("does not know the time of %s", async (_, info, seconds) => {
    const { store } = await makeLog(seconds);
    expect(await readBuildSeconds(info, store, {})).toBeUndefined();
  });

  it("never fails", async () => {
    const store = { url: undefined, storeDir: "/nix/store", directory: undefined };
    expect(await readBuildSeconds(built, store, {})).toBeUndefined();
    const missing = { ...store, directory: "/nonexistent/nix/store" };
    expect(await readBuildSeconds(built, missing, {})).toBeUndefined();
  });
});
