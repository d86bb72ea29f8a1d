import { describe, expect, it } from "vitest";
import { parseUsage } from "../../../tools/cost/usage.ts";
import { errorOf } from "../../../testkit/value-of.ts";
import { usageOf } from "./usage-of.ts";

describe("parseUsage", () => {
  it.each([
    { text: "250000", value: 250_000 },
    { text: "250_000", value: 250_000 },
    { text: "250k", value: 250_000 },
    { text: "2.5M", value: 2_500_000 },
    { text: "1G", value: 1_000_000_000 },
    { text: "0", value: 0 },
  ])("reads $text", ({ text, value }) => {
    expect(usageOf({ paths: text }).paths).toBe(value);
  });

  it.each([
    { what: "a word", flags: { paths: "many" } },
    { what: "nothing", flags: { paths: "" } },
    { what: "less than nothing", flags: { paths: "-1" } },
    { what: "another unit", flags: { paths: "1T" } },
    { what: "an exponent", flags: { paths: "1e9" } },
    { what: "more than any cache", flags: { paths: "99999G" } },
    { what: "a share above 1", flags: { absent: "1.1" } },
    { what: "a share in percent", flags: { absent: "90%" } },
    { what: "no day at all", flags: { days: "0" } },
    { what: "more days than a month has", flags: { days: "31" } },
  ])("refuses $what, by the name of the flag", ({ flags }) => {
    const [[name, text] = []] = Object.entries(flags);
    expect(errorOf(parseUsage(flags)).startsWith(`--${name} ${text}`)).toBe(true);
  });

  it("works out what is not given from what is", () => {
    expect(usageOf({ paths: "1000", pulls: "500" })).toMatchObject({
      lookups: 5000,
      pushes: 100,
      clients: 10,
    });
    expect(usageOf({ pulls: "500", lookups: "1000" })).toMatchObject({ lookups: 1000, clients: 2 });
  });
});
