import { describe, expect, it } from "vitest";
import { decodeRequestPath } from "../../src/nix/request-path.ts";
import { errorOf, valueOf } from "../../testkit/value-of.ts";

// What becomes of whole paths is tested in object-key.test.ts.
describe("decodeRequestPath", () => {
  it("decodes each segment once", () => {
    expect(valueOf(decodeRequestPath("/a%21/b%2525/%C3%A9"))).toEqual(["a!", "b%25", "é"]);
  });

  it("takes two dots inside a name", () => {
    expect(valueOf(decodeRequestPath("/a..b/...%2E"))).toEqual(["a..b", "...."]);
  });

  it("takes 1,024 bytes, counted decoded", () => {
    expect(decodeRequestPath(`/${"%61".repeat(1024)}`).ok).toBe(true);
    expect(errorOf(decodeRequestPath(`/${"%61".repeat(1025)}`))).toBe("the path is too long");
    expect(errorOf(decodeRequestPath(`/${"é".repeat(513)}`))).toBe("the path is too long");
  });

  it.each([
    { path: "a", error: "the path does not begin with a slash" },
    { path: "/a?b", error: "the path holds a query or a fragment" },
    { path: "/a%2", error: "the path is not percent-encoded UTF-8" },
    { path: "/%ff", error: "the path is not percent-encoded UTF-8" },
    { path: "/a//b", error: "the path has an empty segment" },
    { path: "/a/%2e", error: 'a segment of the path is "." or ".."' },
    { path: "/a%2fb", error: "the path holds an encoded slash" },
    { path: "/a%5cb", error: "the path holds a backslash" },
    { path: "/a%00", error: "the path holds a control character" },
    { path: "/a%C2%80", error: "the path holds a control character" },
  ])("says of $path: $error", ({ path, error }) => {
    expect(errorOf(decodeRequestPath(path))).toBe(error);
  });
});
