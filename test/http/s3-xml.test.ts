import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeXml, readElement, readElements } from "../../src/http/s3-xml.ts";

const LIST = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
<Contents><Key>a&amp;b</Key><Size>1</Size></Contents>
<Contents><Key>c</Key><Size>2</Size></Contents><Empty></Empty></ListBucketResult>`;

describe("readElement", () => {
  it.each([
    { what: "text", name: "Name", text: "b" },
    { what: "the first of several", name: "Size", text: "1" },
    { what: "an entity", name: "Key", text: "a&b" },
    { what: "an empty element", name: "Empty", text: "" },
    { what: "an element that is not there", name: "Code", text: undefined },
    { what: "an element that holds others", name: "Contents", text: undefined },
    { what: "the beginning of a name", name: "Na", text: undefined },
  ])("reads $what", ({ name, text }) => {
    expect(readElement(LIST, name)).toBe(text);
  });

  it.each([
    { entity: "&lt;&gt;&amp;&quot;&apos;", text: "<>&\"'" },
    { entity: "&#33;&#x21;&#X21;", text: "!!!" },
    { entity: "&#x1F600;", text: "😀" },
    { entity: "&#128512;", text: "😀" },
    { entity: "&amp;lt;", text: "&lt;" },
    { entity: "&unknown; &nbsp;", text: "&unknown; &nbsp;" },
    { entity: "&#x110000;", text: "&#x110000;" },
    { entity: "a & b", text: "a & b" },
  ])("decodes $entity once", ({ entity, text }) => {
    expect(readElement(`<Key>${entity}</Key>`, "Key")).toBe(text);
  });

  it("reads back what escapeXml wrote", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(readElement(`<Key>${escapeXml(text)}</Key>`, "Key")).toBe(text);
      }),
    );
  });
});

describe("readElements", () => {
  it("gives the inside of each, in order", () => {
    expect(readElements(LIST, "Contents")).toEqual([
      "<Key>a&amp;b</Key><Size>1</Size>",
      "<Key>c</Key><Size>2</Size>",
    ]);
    expect(readElements(LIST, "CommonPrefixes")).toEqual([]);
  });
});
