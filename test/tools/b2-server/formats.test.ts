import { describe, expect, it } from "vitest";
import {
  evaluateReadCondition,
  parseRangeHeader,
} from "../../../tools/b2-server/http/read-headers.ts";
import {
  checkObjectKey,
  parseRequestTarget,
} from "../../../tools/b2-server/http/request-target.ts";
import { compareKeys, lowerBound } from "../../../tools/b2-server/store/compare-keys.ts";
import { createSequence } from "../../../tools/b2-server/store/sequence.ts";
import { formatError, formatResult } from "../../../tools/b2-server/xml/format-xml.ts";
import { parseXml } from "../../../tools/b2-server/xml/parse-xml.ts";

describe("parseRequestTarget", () => {
  it.each([
    { raw: "/", bucket: "", key: "" },
    { raw: "/b", bucket: "b", key: "" },
    { raw: "/b/", bucket: "b", key: "" },
    { raw: "/b/a/c", bucket: "b", key: "a/c" },
    { raw: "/b/gtk+3%2B%20.drv", bucket: "b", key: "gtk+3+ .drv" },
    { raw: "/b/../x", bucket: "b", key: "../x" },
    { raw: "/b//x/", bucket: "b", key: "/x/" },
    { raw: "/b/%C3%BC", bucket: "b", key: "ü" },
  ])("reads $raw", ({ raw, bucket, key }) => {
    expect(parseRequestTarget(raw)).toMatchObject({ ok: true, value: { bucket, key } });
  });

  it.each(["/b/%zz", "/b/%", "/b/%FF", "/b/?x=%", "http://h/b", "*"])("refuses %s", (raw) => {
    expect(parseRequestTarget(raw)).toMatchObject({ ok: false, error: { code: "InvalidURI" } });
  });

  it("decodes the query, where + is a space", () => {
    const target = parseRequestTarget("/b/?a=1%2B1+1&b&a=2");
    expect(target.ok && [...target.value.query]).toEqual([
      ["a", "1+1 1"],
      ["b", ""],
    ]);
  });
});

describe("checkObjectKey", () => {
  it.each([
    { what: "1,024 bytes", key: "ü".repeat(512), code: undefined },
    { what: "1,025 bytes", key: `${"ü".repeat(512)}a`, code: "KeyTooLongError" },
    { what: "a tab", key: "a\tb", code: "InvalidRequest" },
    { what: "a delete character", key: "a\u007f", code: "InvalidRequest" },
  ])("judges $what", ({ key, code }) => {
    const checked = checkObjectKey(key);
    expect(checked.ok ? undefined : checked.error.code).toBe(code);
  });
});

describe("parseRangeHeader", () => {
  it.each([
    { header: undefined, size: 10, range: undefined },
    { header: "bytes=0-", size: 10, range: undefined },
    { header: "bytes=0-0", size: 10, range: { start: 0, length: 1 } },
    { header: "bytes=0-9", size: 10, range: { start: 0, length: 10 } },
    { header: "bytes=3-5", size: 10, range: { start: 3, length: 3 } },
    { header: "bytes=3-", size: 10, range: { start: 3, length: 7 } },
    { header: "bytes=9-99", size: 10, range: { start: 9, length: 1 } },
    { header: "bytes=-3", size: 10, range: { start: 7, length: 3 } },
    { header: "bytes=-99", size: 10, range: { start: 0, length: 10 } },
    { header: "bytes=10-", size: 10, range: "unsatisfiable" },
    { header: "bytes=-0", size: 10, range: "unsatisfiable" },
    { header: "bytes=-1", size: 0, range: "unsatisfiable" },
    { header: "bytes=5-3", size: 10, range: undefined },
    { header: "bytes=1-2,4-5", size: 10, range: undefined },
    { header: "bytes=-", size: 10, range: undefined },
    { header: "items=1-2", size: 10, range: undefined },
  ])("reads $header of $size bytes", ({ header, size, range }) => {
    expect(parseRangeHeader(header, size)).toEqual(range);
  });
});

describe("evaluateReadCondition", () => {
  it.each([
    { ifMatch: undefined, ifNoneMatch: undefined, outcome: "proceed" },
    { ifMatch: '"a"', ifNoneMatch: undefined, outcome: "proceed" },
    { ifMatch: '"b", "a"', ifNoneMatch: undefined, outcome: "proceed" },
    { ifMatch: '"b"', ifNoneMatch: undefined, outcome: "failed" },
    { ifMatch: undefined, ifNoneMatch: 'W/"a"', outcome: "not-modified" },
    { ifMatch: undefined, ifNoneMatch: "*", outcome: "not-modified" },
    { ifMatch: '"b"', ifNoneMatch: '"a"', outcome: "failed" },
  ])("$ifMatch and $ifNoneMatch: $outcome", ({ ifMatch, ifNoneMatch, outcome }) => {
    expect(evaluateReadCondition({ ifMatch, ifNoneMatch }, '"a"')).toBe(outcome);
  });
});

describe("compareKeys", () => {
  it("orders by UTF-8 bytes, as Buffer.compare does", () => {
    const keys = ["", "a", "a/", "a/b", "a0", "ab", "A", "z", "é", "\uff01", "\u{1f600}", "\ud7ff"];
    const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(keys.toSorted(compareKeys)).toEqual(byBytes);
    expect(byBytes.map((key) => lowerBound(byBytes, key))).toEqual([...keys.keys()]);
  });
});

describe("createSequence", () => {
  it("grows while the clock stands still or goes back", () => {
    let time = 1_000_000;
    const sequence = createSequence(() => new Date(time));
    const names = [sequence.next(), sequence.next()];
    time = 1;
    names.push(sequence.next());
    sequence.observe("0009000000000000-00000000");
    names.push(sequence.next());
    expect(names.toSorted()).toEqual(names);
    expect(names[3]).toMatch(/^0009000000000001-/);
  });
});

describe("XML", () => {
  it("escapes what a key may contain", () => {
    const key = `<a>&"'\u{1f600}`;
    const text = formatResult(["Result", [["Key", key]]]);
    expect(text).toContain("<Key>&lt;a&gt;&amp;&quot;'\u{1f600}</Key>");
    const parsed = parseXml(text);
    expect(parsed.ok && parsed.value.children[0]?.text).toBe(key);
  });

  it("formats an error without a namespace", () => {
    expect(formatError("NoSuchKey", "a < b")).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        "<Error><Code>NoSuchKey</Code><Message>a &lt; b</Message></Error>",
    );
  });

  it("parses declarations, comments, attributes, empty elements and references", () => {
    const parsed = parseXml(
      '<?xml version="1.0"?><!-- x --><Delete xmlns="http://s3/">\n<Quiet/><Key>&#x41;&#66;&amp;</Key></Delete>\n',
    );
    expect(parsed).toMatchObject({
      ok: true,
      value: { name: "Delete", children: [{ name: "Quiet" }, { name: "Key", text: "AB&" }] },
    });
  });

  it.each([
    "",
    "text",
    "<a>",
    "<a></b>",
    "</a>",
    "<a/><b/>",
    "<a>&nope;</a>",
    "<a>&#x110000;</a>",
    '<!DOCTYPE a [<!ENTITY b "c">]><a/>',
    "<a><![CDATA[x]]></a>",
    "<a>".repeat(50) + "</a>".repeat(50),
  ])("refuses %s", (text) => {
    expect(parseXml(text).ok).toBe(false);
  });
});
