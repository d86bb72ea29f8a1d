import { describe, expect, it } from "vitest";
import { parsePathInfos } from "../../../src/client/local-nix/path-info.ts";
import { formatHash } from "../../../src/nix/hash.ts";
import { BAR_AS_READ, PRINTED_BY_2_8, SHAPES } from "../push/data/path-infos.ts";

const STORE_DIR = "/nix/store";

function parse(json: unknown) {
  return parsePathInfos(JSON.stringify(json), STORE_DIR);
}

describe("parsePathInfos", () => {
  it.each(SHAPES)("reads $what", ({ json }) => {
    const infos = parse(json);
    if (!infos.ok) throw new Error(infos.error);
    const [info] = infos.value;
    expect(infos.value).toHaveLength(1);
    expect(info).toMatchObject(BAR_AS_READ);
    expect(info && formatHash(info.narHash, "sri")).toBe(
      "sha256-FePFYIlMuycIXPZbWi7LGEiMmZSX9FMbaQenWBzm1Sc=",
    );
  });

  it("reads what Nix 2.8 printed, which leaves out what it does not know", () => {
    const infos = parsePathInfos(PRINTED_BY_2_8, STORE_DIR);
    expect(infos).toMatchObject({
      ok: true,
      value: [{ narSize: 120, references: [], deriver: undefined, signatures: [] }],
    });
  });

  it.each([
    { what: "marked as such", json: [{ path: `/nix/store/${"a".repeat(32)}-x`, valid: false }] },
    { what: "null", json: { [`/nix/store/${"a".repeat(32)}-x`]: null } },
  ])("leaves out invalid paths that are $what", ({ json }) => {
    expect(parse(json)).toEqual({ ok: true, value: [] });
  });

  it.each([
    { what: "text that is not JSON", text: "error: no" },
    { what: "a path of another store", text: `{"/gnu/store/${"a".repeat(32)}-x":{}}` },
    { what: "a path without a hash", text: `{"/nix/store/${"a".repeat(32)}-x":{"narSize":1}}` },
  ])("refuses $what", ({ text }) => {
    expect(parsePathInfos(text, STORE_DIR).ok).toBe(false);
  });

  it.each([
    { method: "text", text: "text:sha256:" },
    { method: "flat", text: "fixed:sha256:" },
    { method: "nar", text: "fixed:r:sha256:" },
    { method: "git", text: "fixed:git:sha256:" },
  ])("writes the content address of the method $method as a narinfo has it", ({ method, text }) => {
    const [, , , shape] = SHAPES;
    const json = structuredClone(shape?.json) as { info: Record<string, { ca: unknown }> };
    for (const info of Object.values(json.info)) {
      info.ca = { method, hash: "sha256-EMIJ+giQ/gLIWoxmPKjno3zHZrxbGymgzGGyZvZBIdM=" };
    }
    const infos = parse(json);
    expect(infos.ok && infos.value[0]?.contentAddress).toBe(
      `${text}1lr187v6dck1rjh2j6svpikcfz53wyl3qrlcbb405zlh13x0khhh`,
    );
  });
});
