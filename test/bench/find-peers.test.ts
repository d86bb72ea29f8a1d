import { describe, expect, it } from "vitest";
import {
  findPeers,
  parsePeerFlags,
  peersWithoutRecipe,
  type ProgramFiles,
} from "../../bench/subjects/find-peers.ts";

/** A machine with these programs, and these folders on its PATH. */
function machine(programs: readonly string[], searchPath: readonly string[] = []): ProgramFiles {
  return {
    searchPath,
    isProgram: (file) => programs.includes(file),
    isDirectory: (file) => programs.some((program) => program.startsWith(`${file}/`)),
  };
}

const NIKS3 = ["/opt/n/niks3", "/opt/n/niks3-server"];

describe("parsePeerFlags", () => {
  it("reads a path for each peer, which may contain an equals sign", () => {
    expect(parsePeerFlags(["niks3=/opt/a=b", "versitygw=gw"])).toEqual({
      ok: true,
      value: { niks3: "/opt/a=b", versitygw: "gw" },
    });
  });

  it.each([
    { what: "an unknown peer", text: "cachix=/opt", says: "one of: niks3" },
    { what: "a peer without a path", text: "niks3=", says: "NAME=PATH" },
    { what: "a word without an equals sign", text: "niks3", says: "NAME=PATH" },
    { what: "a peer that it cannot run", text: "attic=/opt", says: "no recipe" },
  ])("refuses $what", ({ text, says }) => {
    const parsed = parsePeerFlags([text]);
    expect(parsed.ok ? "" : parsed.error).toContain(`--peer ${text}`);
    expect(parsed.ok ? "" : parsed.error).toContain(says);
  });
});

describe("findPeers", () => {
  it("finds the first of each program on PATH", () => {
    const found = findPeers({}, machine(["/b/versitygw", "/c/versitygw"], ["/a", "/b", "/c"]));
    expect(found.ok && found.value.versitygw).toEqual({
      ok: true,
      value: { versitygw: "/b/versitygw" },
    });
  });

  it.each([
    { what: "a directory", flag: "/opt/n" },
    { what: "one program beside the others", flag: "/opt/n/niks3" },
  ])("finds the programs of $what that a flag names, before those on PATH", ({ flag }) => {
    const files = machine([...NIKS3, "/a/niks3", "/a/niks3-server"], ["/a"]);
    const found = findPeers({ niks3: flag }, files);
    expect(found.ok && found.value.niks3).toEqual({
      ok: true,
      value: { niks3: "/opt/n/niks3", "niks3-server": "/opt/n/niks3-server" },
    });
  });

  it("says in one line what is missing and how to get it", () => {
    const found = findPeers({}, machine(["/a/niks3"], ["/a"]));
    expect(found.ok && found.value.niks3).toEqual({
      ok: false,
      error:
        "niks3: no niks3-server on PATH; get it from https://github.com/Mic92/niks3, or name its directory by --peer niks3=DIRECTORY",
    });
  });

  it("fails if a flag names a place without the programs, even if PATH has them", () => {
    const found = findPeers({ niks3: "/empty/x" }, machine(NIKS3, ["/opt/n"]));
    expect(found.ok ? "" : found.error).toContain("--peer niks3: no niks3 and no niks3-server in");
  });
});

describe("peersWithoutRecipe", () => {
  it("names every cache that is only named", () => {
    const names = peersWithoutRecipe().map((line) => line.split(":")[0]);
    expect(names).toEqual(["attic", "harmonia"]);
  });
});
