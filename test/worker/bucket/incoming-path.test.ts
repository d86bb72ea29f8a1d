import { describe, expect, it } from "vitest";
import {
  createIncomingPath,
  incomingFolder,
  isSignedPath,
  parseIncomingPath,
} from "../../../src/worker/bucket/incoming-path.ts";
import { parseObjectKey } from "../../../src/nix/object-key.ts";
import { NAR } from "../../../testkit/workerd/edge.ts";

const HASH = "15zk4zszw9lgkdkkwy7w11m5vag11n5dhv2i6hj308qpxczvdddx";
const TAG = "0123456789abcdef";
const RANDOM = "00112233445566778899aabbccddeeff";

describe("createIncomingPath", () => {
  it("names the NAR and the token, and is never the same", () => {
    const folder = incomingFolder(NAR, TAG);
    expect(folder).toBe(`.incoming/${HASH}.nar.xz/${TAG}/`);
    const paths = Array.from({ length: 100 }, () => createIncomingPath(folder, "parts"));
    expect(new Set(paths).size).toBe(100);
    for (const path of paths) {
      expect(path.startsWith(folder)).toBe(true);
      expect(parseIncomingPath(path)).toEqual({ ok: true, value: path });
    }
  });

  it("is no name that a route reads", () => {
    const path = createIncomingPath(incomingFolder(NAR, TAG), "parts");
    for (const raw of [path, path.replace(".", "%2e"), path.replaceAll("/", "%2F")]) {
      expect(parseObjectKey(`/${raw}`).ok, raw).toBe(false);
      expect(parseObjectKey(`/nar/../${raw}`).ok, raw).toBe(false);
      expect(parseObjectKey(`/nar/%2e%2e/${raw}`).ok, raw).toBe(false);
    }
  });
});

describe("isSignedPath", () => {
  it("tells what only a signed PUT can have stored from what parts can become", () => {
    const folder = incomingFolder(NAR, TAG);
    expect(isSignedPath(createIncomingPath(folder, "signed"))).toBe(true);
    expect(isSignedPath(createIncomingPath(folder, "parts"))).toBe(false);
  });
});

describe("parseIncomingPath", () => {
  it.each([
    { what: "an object's own name", path: NAR.path },
    { what: "a folder", path: `.incoming/${HASH}.nar.xz/${TAG}/` },
    { what: "another folder", path: `.canary/${HASH}.nar.xz/${TAG}/${RANDOM}` },
    { what: "a way out", path: `.incoming/${HASH}.nar/${TAG}/../../../x` },
    { what: "a name that is no hash", path: `.incoming/x.nar/${TAG}/${RANDOM}` },
    { what: "another word", path: `.incoming/${HASH}.nar/${TAG}/sealed-${RANDOM}` },
    { what: "a short random", path: `.incoming/${HASH}.nar/${TAG}/0011` },
    { what: "a second line", path: `.incoming/${HASH}.nar/${TAG}/${RANDOM}\n` },
  ])("refuses $what", ({ path }) => {
    expect(parseIncomingPath(path).ok).toBe(false);
  });
});
