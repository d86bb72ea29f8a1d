import { describe, expect, it } from "vitest";
import { readText } from "../../../src/worker/ingest/read-body.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const bytes = (...values: number[]) => new Blob([new Uint8Array(values)]).stream();

describe("readText", () => {
  it("gives the text, with the byte order mark that Nix would not skip", async () => {
    const text = "\uFEFFStorePath: ü\n";
    const { size } = new Blob([text]);
    expect(await readText(new Blob([text]).stream(), size, 100)).toBe(text);
  });

  it("gives the empty text of no body", async () => {
    expect(await readText(null, 0, 100)).toBe("");
  });

  it("takes a body of just the most it may be", async () => {
    expect(await readText(bytes(97, 97), 2, 2)).toBe("aa");
  });

  it.each([
    { what: "a body larger than it may be", length: 3, code: "body-too-large" },
    { what: "a body that is shorter than it said", length: 2, code: "body-too-short" },
  ])("refuses $what", async ({ length, code }) => {
    expect((await rejectionOf(readText(bytes(97), length, 2))).code).toBe(code);
  });

  it("tells the limit to who passed it, and reads nothing", async () => {
    const body = bytes(97);
    const error = await rejectionOf(readText(body, 3, 2));
    expect(error.subject).toBe("(2 bytes).");
    expect(await new Response(body).text()).toBe("a");
  });

  it.each([
    { what: "a byte that is in no character", body: [0xff] },
    { what: "half a character", body: [0xc3] },
    { what: "a surrogate", body: [0xed, 0xa0, 0x80] },
    { what: "a character made too long", body: [0xc0, 0x80] },
  ])("refuses $what", async ({ body }) => {
    const error = await rejectionOf(readText(bytes(...body), body.length, 100));
    expect(error.code).toBe("body-not-text");
  });
});
