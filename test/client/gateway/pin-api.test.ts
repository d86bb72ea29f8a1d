import { describe, expect, it } from "vitest";
import type { CacheClient } from "../../../src/client/gateway/cache-client.ts";
import { CacheRefusal } from "../../../src/client/gateway/cache-client.ts";
import { ClientError } from "../../../src/client/client-error.ts";
import { createPinApi } from "../../../src/client/gateway/pin-api.ts";
import { parseStorePathBaseName } from "../../../src/nix/store-path.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const HASH = "0123456789abcdfghijklmnpqrsvwxyz";
const BASE = `${HASH}-thing`;
const REVISION = {
  name: "main",
  path: BASE,
  at: "2026-11-28T12:00:00.000Z",
  by: "ci",
  keep: "forever",
};

/** The pins of a gateway that gives these answers, one after the other; an error refuses. */
function open(...answers: readonly unknown[]) {
  const calls: string[] = [];
  const left = [...answers];
  const client = {
    call: async (method: string, target: string, input?: object) => {
      calls.push(`${method} ${target}${input === undefined ? "" : ` ${JSON.stringify(input)}`}`);
      const answer = left.length > 1 ? left.shift() : left[0];
      if (answer instanceof Error) throw answer;
      return answer;
    },
  } as unknown as CacheClient;
  return { api: createPinApi(client), calls };
}

describe("createPinApi", () => {
  it("reads all pages of the list, and puts the revisions of a pin together", async () => {
    const older = { ...REVISION, at: "2026-11-27T12:00:00.000Z", keep: { revisions: 2 } };
    const { api, calls } = open(
      { revisions: [older], unreadable: ["main/\u001B[2Jx"], next: "main/a b" },
      { revisions: [REVISION, { ...REVISION, name: "a" }], unreadable: [], next: null },
    );
    const { pins, unreadable } = await api.list();
    expect(calls).toEqual(["GET api/v1/pins", "GET api/v1/pins?after=main%2Fa%20b"]);
    expect(pins.map(({ name, revisions }) => [name, revisions.length])).toEqual([
      ["a", 1],
      ["main", 2],
    ]);
    expect(pins[1]?.revisions[0]).toEqual({
      path: { hash: HASH, name: "thing" },
      at: new Date(REVISION.at),
      by: "ci",
      keep: "forever",
    });
    expect(unreadable).toEqual(["main/ [2Jx"]);
  });

  it("ends the list of a gateway that never ends it", async () => {
    const { api, calls } = open({ revisions: [], unreadable: [], next: "x" });
    await expect(api.list()).rejects.toThrow("it has no last page");
    expect(calls).toHaveLength(1000);
  });

  it.each([
    { what: "a path that leads elsewhere", field: { path: "../x" } },
    { what: "a name that a terminal obeys", field: { name: "\u001B[2J" } },
    { what: "a time that is none", field: { at: "yesterday" } },
    { what: "an unknown rule", field: { keep: { weeks: 1 } } },
  ])("does not believe $what", async ({ field }) => {
    const { api } = open({ revisions: [{ ...REVISION, ...field }], unreadable: [], next: null });
    await expect(api.list()).rejects.toThrow("does not understand the answer");
  });

  it("pins a path", async () => {
    const { api, calls } = open({ kept: 2, dropped: 1 });
    const path = valueOf(parseStorePathBaseName(BASE));
    expect(await api.set("main", path, { days: 3 })).toEqual({ kept: 2, dropped: 1 });
    expect(calls).toEqual([`POST api/v1/pins {"name":"main","path":"${BASE}","keep":{"days":3}}`]);
  });

  it("removes a pin in several requests, also if another client removes the rest", async () => {
    const gone = new CacheRefusal("gone", 404, "pin-unknown");
    const whole = open({ removed: 30, rest: true }, { removed: 2, rest: false });
    expect(await whole.api.remove("main")).toBe(32);
    expect(await open({ removed: 30, rest: true }, gone).api.remove("main")).toBe(30);
    await expect(open(gone).api.remove("main")).rejects.toBe(gone);
  });

  it("says in one line that an older gateway knows no pins", async () => {
    const refusal = new CacheRefusal("api/v1/pins: 404 …", 404, "no-such-endpoint");
    const path = valueOf(parseStorePathBaseName(BASE));
    for (const call of [
      open(refusal).api.list(),
      open(refusal).api.set("main", path, "forever"),
      open(refusal).api.remove("main"),
    ]) {
      const error: unknown = await call.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ClientError);
      expect(String(error)).toMatch(/this cache knows no pins: its gateway is older/);
    }
  });
});
