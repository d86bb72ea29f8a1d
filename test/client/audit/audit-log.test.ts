import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { auditIdentity, openAuditLog } from "../../../src/client/audit/audit-log.ts";
import type { PathFinding } from "../../../src/client/audit/judge-narinfo.ts";
import { parseStorePathBaseName, parseStorePathHash } from "../../../src/nix/store-path.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const hashOf = (letter: string) => valueOf(parseStorePathHash(letter.repeat(32)));
const finding = (letter: string): PathFinding => ({
  hash: hashOf(letter),
  path: `/nix/store/${letter.repeat(32)}-x`,
  verdict: "unsigned",
  says: "",
  keyNames: [],
});
const pathOf = (letter: string) => `${letter.repeat(32)}.narinfo`;

const stateFile = async () => join(await temporaryDirectory(), "audit.state");

async function readAll(file: string, identity = "same") {
  const log = openAuditLog(file, identity);
  const findings: string[] = [];
  const seen: string[] = [];
  const absent: string[] = [];
  try {
    const earlier = await log.readEarlier({
      onFinding: ({ hash }) => void findings.push(hash.charAt(0)),
      onSeen: ({ hash, narPath }) => void seen.push(`${hash.charAt(0)}=${narPath}`),
      onAbsent: ({ reference, referrer }) =>
        void absent.push(`${reference.name} of ${referrer.charAt(0)}`),
    });
    return { ...earlier, findings: findings.join(""), seen, absent };
  } finally {
    log.close();
  }
}

const NOTHING = { onFinding: () => {}, onSeen: () => {}, onAbsent: () => {} };

/** Records ok paths as small letters of `letters`, and findings as capitals. */
async function record(file: string, letters: string) {
  const log = openAuditLog(file, "same");
  await log.readEarlier(NOTHING);
  for (const letter of letters) {
    const small = letter.toLowerCase();
    log.record(pathOf(small), letter === small ? undefined : finding(small));
  }
  return log;
}

describe("openAuditLog", () => {
  it("gives back what was recorded, and goes on behind it", async () => {
    const file = await stateFile();
    (await record(file, "abCd")).close();
    const earlier = { position: pathOf("d"), okPaths: 3, isComplete: false, findings: "c" };
    expect(await readAll(file)).toEqual({ ...earlier, seen: [], absent: [] });
    const log = await record(file, "fG");
    log.complete();
    log.close();
    expect(await readAll(file)).toMatchObject({ okPaths: 4, isComplete: true, findings: "cg" });
  });

  it("loses nothing but sound paths of the last moments if it is killed", async () => {
    const file = await stateFile();
    // Not closed, as after kill -9.
    await record(file, "aBcd");
    expect(await readAll(file)).toMatchObject({ position: pathOf("b"), okPaths: 1, findings: "b" });
  });

  it("writes the position down for sound paths alone", async () => {
    const file = await stateFile();
    const log = openAuditLog(file, "same");
    await log.readEarlier(NOTHING);
    for (let count = 0; count < 2500; count++)
      log.record(String(count).padStart(5, "0"), undefined);
    expect(await readAll(file)).toMatchObject({ okPaths: 2000, position: "01999" });
  });

  it("keeps the NARs that paths name, and the references that are absent", async () => {
    const file = await stateFile();
    const log = openAuditLog(file, "same");
    await log.readEarlier(NOTHING);
    const reference = valueOf(parseStorePathBaseName(`${"z".repeat(32)}-glibc-2.40`));
    const long = "x".repeat(900);
    log.record(pathOf("a"), undefined, { hash: hashOf("a"), narPath: "nar/a.nar.xz" });
    log.recordAbsent(Array.from({ length: 2500 }, () => ({ reference, referrer: hashOf("b") })));
    log.record(pathOf("b"), finding("b"), { hash: hashOf("b"), narPath: undefined });
    for (let count = 0; count < 1000; count++) {
      log.record(`c${String(count).padStart(5, "0")}`, undefined, {
        hash: hashOf("c"),
        narPath: `nar/${long}`,
      });
    }
    log.close();
    const { seen, absent, okPaths } = await readAll(file);
    expect(seen.slice(0, 3)).toEqual(["a=nar/a.nar.xz", "b=undefined", `c=nar/${long}`]);
    expect([seen.length, absent.length, okPaths]).toEqual([1002, 2500, 1001]);
    expect(absent[0]).toBe("glibc-2.40 of b");
    const lines = (await readFile(file, "utf8")).split("\n").map((line) => line.length);
    expect(Math.max(...lines)).toBeLessThan(200_000);
  });

  it("writes each path down if it is asked to", async () => {
    const file = await stateFile();
    const log = openAuditLog(file, "same", 1);
    await log.readEarlier(NOTHING);
    log.record(pathOf("a"), undefined);
    log.record(pathOf("b"), undefined);
    expect(await readAll(file)).toMatchObject({ okPaths: 2, position: pathOf("b") });
  });

  it("drops a last line that was cut off", async () => {
    const file = await stateFile();
    (await record(file, "aB")).close();
    const whole = await readFile(file, "utf8");
    await appendFile(file, '{"at":"c","ok":0,"find');
    expect(await readAll(file)).toMatchObject({ okPaths: 1, findings: "b" });
    expect(await readFile(file, "utf8")).toBe(whole);
    await writeFile(file, '{"nargateAudi');
    expect(await readAll(file)).toMatchObject({ position: undefined, findings: "" });
  });

  it("refuses the file of another audit", async () => {
    const file = await stateFile();
    (await record(file, "aB")).close();
    await expect(readAll(file, "other")).rejects.toThrow(
      "belongs to an audit of another bucket, prefix, store, list of keys or level",
    );
  });

  it.each([
    { what: "is not its own", text: "root:x:0:0\n" },
    { what: "has other JSON", text: '{"name":"nargate"}\n' },
    { what: "lacks its first line", text: '{"at":"a","ok":1}\n' },
    {
      what: "two runs have written at once",
      text: '{"nargateAudit":1,"identity":"same"}\n{"at":"b","ok":1}\n{"at":"a","ok":1}\n',
    },
    { what: "has a line without an end", text: "x".repeat(2_000_000) },
  ])("refuses a file that $what, and does not change it", async ({ text }) => {
    const file = await stateFile();
    await writeFile(file, text);
    await expect(readAll(file)).rejects.toThrow("is damaged");
    expect(await readFile(file, "utf8")).toBe(text);
  });

  it("says that it cannot open a file", async () => {
    await expect(readAll("/nonexistent/audit.state")).rejects.toThrow(
      "cannot open --state /nonexistent/audit.state: ENOENT",
    );
  });
});

describe("auditIdentity", () => {
  const location = {
    endpoint: "https://s3.us-east-005.backblazeb2.com",
    region: "us-east-005",
    bucket: "b",
    prefix: "nix/",
    keyId: "k",
    applicationKey: "s",
  };
  const rules = { storeDir: "/nix/store", keys: [] };

  it("is the same with another application key, and differs by prefix, store, keys and level", () => {
    const identity = auditIdentity(location, rules, "quick");
    expect(auditIdentity({ ...location, applicationKey: "t" }, rules, "quick")).toBe(identity);
    expect(auditIdentity({ ...location, prefix: "" }, rules, "quick")).not.toBe(identity);
    expect(auditIdentity(location, { ...rules, storeDir: "/gnu/store" }, "quick")).not.toBe(
      identity,
    );
    expect(auditIdentity(location, rules, "whole")).not.toBe(identity);
    const keys = [{ name: "k", bytes: new Uint8Array(32) }];
    expect(auditIdentity(location, { ...rules, keys }, "quick")).not.toBe(identity);
  });
});
