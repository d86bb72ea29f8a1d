import { describe, expect, it } from "vitest";
import { findNetrcPassword } from "../../../src/client/gateway/netrc.ts";

describe("findNetrcPassword", () => {
  it.each([
    { what: "one line", text: "machine h.example password p\n", found: "p" },
    { what: "a login before it", text: "machine h.example login u password p", found: "p" },
    { what: "several lines", text: "machine h.example\n\tlogin u\n  password p\n", found: "p" },
    {
      what: "another machine first",
      text: "machine o password x\nmachine h.example password p",
      found: "p",
    },
    {
      what: "the first of two",
      text: "machine h.example password p\nmachine h.example password q",
      found: "p",
    },
    {
      what: "keywords in capitals",
      text: "MACHINE o PASSWORD x\nMachine h.example Login u PASSWORD p",
      found: "p",
    },
    {
      what: "a macro before the entry, which ends at an empty line",
      text: "macdef init\nmachine h.example password macro\ncd /pub\n\nmachine h.example password p",
      found: "p",
    },
    {
      what: "a macro in an entry",
      text: "machine o login u password x macdef init\nmachine h.example password macro\n\nmachine h.example password p",
      found: "p",
    },
    {
      what: "only a macro with these words",
      text: "macdef init\nmachine h.example password macro\n",
      found: undefined,
    },
    { what: "a host in capitals", text: "machine H.Example password p", found: "p" },
    {
      what: "a default below",
      text: "machine h.example password p\ndefault password d",
      found: "p",
    },
    {
      what: "only a default",
      text: "machine o password x\ndefault login u password d",
      found: "d",
    },
    {
      what: "a default above, which wins",
      text: "default password d\nmachine h.example password p",
      found: "d",
    },
    {
      what: "a comment",
      text: "# machine h.example password old\nmachine h.example password p",
      found: "p",
    },
    { what: "quotes", text: 'machine h.example password "p\\"q"', found: 'p"q' },
    {
      what: "a login that looks like a word of the format",
      text: "machine h.example login password password p",
      found: "p",
    },
    {
      what: "a machine named machine",
      text: "machine machine password x machine h.example password p",
      found: "p",
    },
    {
      what: "another machine's password",
      text: "machine h.example login u\nmachine o password x",
      found: undefined,
    },
    { what: "a longer host", text: "machine www.h.example password p", found: undefined },
    { what: "a password that is missing", text: "machine h.example password", found: undefined },
    { what: "nothing", text: "", found: undefined },
  ])("reads $what", ({ text, found }) => {
    expect(findNetrcPassword(text, "h.example")).toBe(found);
  });
});
