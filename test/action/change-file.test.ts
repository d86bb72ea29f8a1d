import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { changeFile, OWN_FILES, undoChange } from "../../src/action/change-file.ts";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";

async function prepare(text?: string) {
  const directory = await temporaryDirectory();
  const workDirectory = path.join(directory, "work");
  await mkdir(workDirectory);
  const file = path.join(directory, "nix.conf");
  if (text !== undefined) await writeFile(file, text);
  const read = async () => await readFile(file, "utf8").catch(() => undefined);
  const textsWhenTold: (string | undefined)[] = [];
  const onChange = () => void textsWhenTold.push(readTextNow(file));
  const change = async (edit: (before: string) => string, isSecret = false) =>
    await changeFile(file, edit, { files: OWN_FILES, workDirectory, isSecret, onChange });
  return { file, workDirectory, change, read, textsWhenTold };
}

function readTextNow(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

const append = (line: string) => (text: string) => `${text}${line}\n`;

describe("changeFile and undoChange", () => {
  it("put back what was there, with its mode", async () => {
    const { file, workDirectory, change, read } = await prepare("a = 1\n");
    await chmod(file, 0o640);
    const done = await change(append("b = 2"));
    expect(await read()).toBe("a = 1\nb = 2\n");
    expect(done).toBeDefined();
    if (done !== undefined) await undoChange(done, OWN_FILES, workDirectory);
    expect(await read()).toBe("a = 1\n");
    expect((await stat(file)).mode & 0o777).toBe(0o640);
  });

  it("remove a file that was not there", async () => {
    const { workDirectory, change, read } = await prepare();
    const done = await change(append("b = 2"));
    expect(await read()).toBe("b = 2\n");
    if (done !== undefined) await undoChange(done, OWN_FILES, workDirectory);
    expect(await read()).toBeUndefined();
  });

  it("leave alone what needs no change", async () => {
    const { change, textsWhenTold } = await prepare("a = 1\n");
    expect(await change((text) => text)).toBeUndefined();
    expect(textsWhenTold).toEqual([]);
  });

  it("report a change before it is made, and undo one that was never made", async () => {
    const { file, workDirectory, change, read, textsWhenTold } = await prepare("a = 1\n");
    const done = await change(append("b = 2"));
    expect(textsWhenTold).toEqual(["a = 1\n"]);
    // The state after a step that was killed before it wrote the file.
    await writeFile(file, "a = 1\n");
    if (done !== undefined) await undoChange(done, OWN_FILES, workDirectory);
    expect(await read()).toBe("a = 1\n");
  });

  it("remove only the job's own lines if another program has changed the file", async () => {
    const { file, workDirectory, change, read } = await prepare("a = 1\n");
    const done = await change(append(`b = 2\nnetrc-file = ${workDirectory}/netrc`));
    await writeFile(file, `${await read()}c = 3\n`);
    if (done !== undefined) await undoChange(done, OWN_FILES, workDirectory);
    expect(await read()).toBe("a = 1\nb = 2\nc = 3\n");
  });

  it("take every new line out of a file of secrets", async () => {
    const { file, workDirectory, change, read } = await prepare("machine a password x\n");
    const done = await change((text) => `machine b password y\n${text}`, true);
    await writeFile(file, `${await read()}machine c password z\n`);
    if (done !== undefined) await undoChange(done, OWN_FILES, workDirectory);
    expect(await read()).toBe("machine a password x\nmachine c password z\n");
  });

  it("make a file of secrets for its owner alone", async () => {
    const { file, change } = await prepare();
    await change(append("machine b password y"), true);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});
