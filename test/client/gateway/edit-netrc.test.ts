import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findNetrcPassword, setNetrcPassword } from "../../../src/client/gateway/netrc.ts";

const HOST = "cache.example.org";
const ENTRY = `machine ${HOST} login nargate password new\n`;

describe("setNetrcPassword", () => {
  it.each([
    { what: "an empty file", before: "", after: ENTRY },
    {
      what: "another machine",
      before: "machine o.example password x\n",
      after: `${ENTRY}machine o.example password x\n`,
    },
    {
      what: "a default, which must stay below",
      before: "default login u password d\n",
      after: `${ENTRY}default login u password d\n`,
    },
    {
      what: "an older password",
      before: `machine o.example password x\nmachine ${HOST} login ci password old\n# end\n`,
      after: `${ENTRY}machine o.example password x\n# end\n`,
    },
    {
      what: "an older password on several lines",
      before: `machine ${HOST}\n  login ci\n  password old\nmachine o.example password x\n`,
      after: `${ENTRY}machine o.example password x\n`,
    },
    {
      what: "a host whose name only ends or begins so",
      before: `machine www.${HOST} password x\nmachine ${HOST}.example password y\n`,
      after: `${ENTRY}machine www.${HOST} password x\nmachine ${HOST}.example password y\n`,
    },
    {
      what: "the host in a comment",
      before: `# machine ${HOST} password old\n`,
      after: `${ENTRY}# machine ${HOST} password old\n`,
    },
  ])("puts the entry above $what", ({ before, after }) => {
    expect(setNetrcPassword(before, HOST, "new")).toBe(after);
  });

  it("changes nothing if the file has the password, whatever else it has", () => {
    const text = `# mine\nmachine o.example password x\nmachine ${HOST} login ci password new\n`;
    expect(setNetrcPassword(text, HOST, "new")).toBe(text);
  });

  it("is what curl then finds, and does nothing the second time", () => {
    const part = fc.constantFrom(
      `machine ${HOST} password old\n`,
      `machine ${HOST}\n\tpassword old\n`,
      `machine ${HOST} login ci password new\n`,
      "machine o.example password x\n",
      "default password d\n",
      "# comment\n",
      "\n",
      `machine a.example password b machine ${HOST} password c\n`,
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const once = setNetrcPassword(parts.join(""), HOST, "new");
        expect(findNetrcPassword(once, HOST)).toBe("new");
        expect(setNetrcPassword(once, HOST, "new")).toBe(once);
      }),
    );
  });
});
