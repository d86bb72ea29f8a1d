import { describe, expect, it } from "vitest";
import { parseResponseHead } from "../../bench/load/response-head.ts";

describe("parseResponseHead", () => {
  it("tells where the body begins and how long it is", () => {
    const head = "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\n\r\n";
    expect(parseResponseHead(`${head}hel`)).toEqual({
      ok: true,
      value: { status: 200, headBytes: head.length, bodyBytes: 5 },
    });
  });

  it("waits for a head that is not whole", () => {
    expect(parseResponseHead("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n")).toBeUndefined();
  });

  it.each([204, 304])("knows that %i has no body", (status) => {
    const parsed = parseResponseHead(`HTTP/1.1 ${status} x\r\n\r\n`);
    expect(parsed).toMatchObject({ ok: true, value: { status, bodyBytes: 0 } });
  });

  it.each([
    { what: "a body in chunks", text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
    { what: "another protocol", text: "SSH-2.0-OpenSSH\r\n\r\n" },
  ])("refuses $what", ({ text }) => {
    expect(parseResponseHead(text)).toMatchObject({ ok: false });
  });
});
