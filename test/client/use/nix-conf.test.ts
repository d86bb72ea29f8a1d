import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addToNixConf,
  readNixConf,
  SUBSTITUTERS,
  TRUSTED_KEYS,
} from "../../../src/client/use/nix-conf.ts";

const URL = "https://cache.example.org";

describe("addToNixConf", () => {
  it.each([
    { what: "an empty file", before: "", after: `extra-substituters = ${URL}\n` },
    {
      what: "a file of other settings",
      before: "# mine\nsandbox = true\n",
      after: `# mine\nsandbox = true\nextra-substituters = ${URL}\n`,
    },
    {
      what: "a last line that does not end",
      before: "sandbox = true",
      after: `sandbox = true\nextra-substituters = ${URL}\n`,
    },
    {
      what: "a line that adds already",
      before: "extra-substituters = https://a.example\nsandbox = true\n",
      after: `extra-substituters = https://a.example ${URL}\nsandbox = true\n`,
    },
    {
      what: "such a line with a comment and odd spaces",
      before: "  extra-substituters =  https://a.example \t # ours\n",
      after: `  extra-substituters =  https://a.example ${URL} \t # ours\n`,
    },
    {
      what: "such a line without a value",
      before: "extra-substituters =\n",
      after: `extra-substituters = ${URL}\n`,
    },
    {
      what: "the last of several",
      before: "extra-substituters = https://a.example\nextra-substituters = https://b.example\n",
      after: `extra-substituters = https://a.example\nextra-substituters = https://b.example ${URL}\n`,
    },
    {
      what: "the older name of the setting",
      before: "extra-binary-caches = https://a.example\n",
      after: `extra-binary-caches = https://a.example ${URL}\n`,
    },
    {
      what: "a plain line, which it leaves alone",
      before: "substituters = https://cache.nixos.org\n",
      after: `substituters = https://cache.nixos.org\nextra-substituters = ${URL}\n`,
    },
    {
      what: "a plain line below, which would undo what stands above it",
      before: "extra-substituters = https://a.example\nsubstituters = https://b.example\n",
      after: `extra-substituters = https://a.example\nsubstituters = https://b.example\nextra-substituters = ${URL}\n`,
    },
    {
      what: "an entry that a plain line below undoes",
      before: `extra-substituters = ${URL}\nsubstituters = https://b.example\n`,
      after: `extra-substituters = ${URL}\nsubstituters = https://b.example\nextra-substituters = ${URL}\n`,
    },
    {
      what: "an include below, which might undo it",
      before: "extra-substituters = https://a.example\n!include more.conf\n",
      after: `extra-substituters = https://a.example\n!include more.conf\nextra-substituters = ${URL}\n`,
    },
    {
      what: "an entry in a comment",
      before: `# extra-substituters = ${URL}\nextra-substituters = https://a.example # ${URL}\n`,
      after: `# extra-substituters = ${URL}\nextra-substituters = https://a.example ${URL} # ${URL}\n`,
    },
    {
      what: "an entry that only begins so",
      before: `extra-substituters = ${URL}/other\n`,
      after: `extra-substituters = ${URL}/other ${URL}\n`,
    },
    {
      what: "another setting with a name that begins so",
      before: "extra-substituters-of-mine = x\n",
      after: `extra-substituters-of-mine = x\nextra-substituters = ${URL}\n`,
    },
    {
      what: "lines that end as on Windows",
      before: "extra-substituters = https://a.example\r\nsandbox = true\r\n",
      after: `extra-substituters = https://a.example ${URL}\r\nsandbox = true\r\n`,
    },
  ])("adds to $what", ({ before, after }) => {
    expect(addToNixConf(before, SUBSTITUTERS, [URL])).toBe(after);
  });

  it.each([
    { what: "an extra line", text: `extra-substituters = https://a.example ${URL}\n` },
    { what: "a plain line", text: `substituters = ${URL} https://a.example\n` },
    {
      what: "an extra line below a plain one",
      text: `substituters = x\nextra-substituters = ${URL}`,
    },
    { what: "a line above an include", text: `extra-substituters = ${URL}\ninclude more.conf\n` },
    { what: "the older name", text: `binary-caches = ${URL}\n` },
  ])("changes nothing where $what has it", ({ text }) => {
    expect(addToNixConf(text, SUBSTITUTERS, [URL])).toBe(text);
  });

  it("adds only those keys that are not there, and each once", () => {
    const before = "extra-trusted-public-keys = a-1:AA=\n";
    expect(addToNixConf(before, TRUSTED_KEYS, ["a-1:AA=", "b-1:BB=", "b-1:BB="])).toBe(
      "extra-trusted-public-keys = a-1:AA= b-1:BB=\n",
    );
    expect(addToNixConf(before, TRUSTED_KEYS, [])).toBe(before);
  });

  const line = fc.oneof(
    fc.constantFrom(
      "",
      "# a comment",
      "sandbox = true",
      "include x.conf",
      "!include x.conf",
      "substituters = https://a.example",
      "substituters =",
      "extra-substituters = https://a.example # why",
      "\textra-substituters  =  https://b.example\r",
      "binary-caches = https://c.example",
      `extra-substituters = ${URL}`,
      "trusted-public-keys = a-1:AA=",
      "substituters=https://broken.example",
    ),
    fc.string({ unit: "binary" }).map((text) => text.replaceAll("\n", " ")),
  );
  const file = fc.array(line).map((lines) => lines.join("\n"));

  it("does nothing the second time, whatever the file is", () => {
    fc.assert(
      fc.property(file, (text) => {
        const once = addToNixConf(text, SUBSTITUTERS, [URL]);
        expect(addToNixConf(once, SUBSTITUTERS, [URL])).toBe(once);
      }),
    );
  });

  it("keeps every line, and lengthens one at most or adds one at the end", () => {
    fc.assert(
      fc.property(file, (text) => {
        const after = addToNixConf(text, SUBSTITUTERS, [URL]);
        const appended = `${endLastLine(text)}extra-substituters = ${URL}\n`;
        const lines = text.split("\n");
        const lengthened = lines.filter((old, at) => after.split("\n")[at] !== old);
        const isLengthened = lengthened.length <= 1 && withoutOne(after, ` ${URL}`).includes(text);
        expect(after === appended || isLengthened).toBe(true);
      }),
    );
  });
});

function endLastLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** Returns the text, and each text without one occurrence of a word. */
function withoutOne(text: string, word: string): readonly string[] {
  const parts = text.split(word);
  const others = parts.slice(1).map((_, at) => {
    return parts.slice(0, at + 1).join(word) + parts.slice(at + 1).join(word);
  });
  return [text, ...others];
}

describe("readNixConf", () => {
  it.each([
    { what: "a value", text: "netrc-file = /a\n", value: "/a" },
    { what: "the last of two", text: "netrc-file = /a\nnetrc-file = /b\n", value: "/b" },
    { what: "no comment", text: "netrc-file = /a # /b\n", value: "/a" },
    { what: "nothing where it is not set", text: "# netrc-file = /a\n", value: undefined },
    { what: "an empty value", text: "netrc-file =\n", value: "" },
  ])("reads $what", ({ text, value }) => {
    expect(readNixConf(text, "netrc-file")).toBe(value);
  });
});
