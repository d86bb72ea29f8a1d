import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCredential } from "../../src/http/request-headers.ts";

function credentialOf(authorization: string): string | undefined {
  return readCredential(new Headers({ authorization }));
}

describe("readCredential", () => {
  it.each([
    { what: "Bearer", header: "Bearer nargate_abc", token: "nargate_abc" },
    { what: "bearer in small letters", header: "bearer nargate_abc", token: "nargate_abc" },
    { what: "Bearer after two spaces", header: "Bearer  nargate_abc", token: "nargate_abc" },
    { what: "the password of Basic", header: `Basic ${btoa("user:secret")}`, token: "secret" },
    // What Nix sends for a netrc line without "login".
    { what: "Basic with an empty user", header: `Basic ${btoa(":secret")}`, token: "secret" },
    { what: "BASIC in capitals", header: `BASIC ${btoa("user:secret")}`, token: "secret" },
    { what: "a password with colons", header: `Basic ${btoa("user:a:b")}`, token: "a:b" },
    {
      what: "a password in UTF-8",
      header: `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode("u:schlüssel")))}`,
      token: "schlüssel",
    },
  ])("reads $what", ({ header, token }) => {
    expect(credentialOf(header)).toBe(token);
  });

  it.each([
    { what: "an empty header", header: "" },
    { what: "a scheme alone", header: "Bearer" },
    { what: "a scheme and a space", header: "Bearer " },
    { what: "another scheme", header: "Digest abc" },
    { what: "a token without a scheme", header: "nargate_abc" },
    { what: "two tokens", header: "Bearer a b" },
    { what: "Basic that is not base64", header: "Basic %%%" },
    { what: "Basic of a wrong length", header: "Basic abcde" },
    { what: "Basic without a colon", header: `Basic ${btoa("usersecret")}` },
    { what: "Basic with an empty password", header: `Basic ${btoa("user:")}` },
    { what: "Basic of nothing", header: "Basic =" },
  ])("takes $what for none", ({ header }) => {
    expect(credentialOf(header)).toBeUndefined();
  });

  it("takes an absent header for none", () => {
    expect(readCredential(new Headers())).toBeUndefined();
  });

  it("never throws", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("Basic", "Bearer", "basic"),
        fc.string({ unit: "grapheme-ascii" }),
        (scheme, value) => {
          expect(() => credentialOf(`${scheme} ${value}`)).not.toThrow();
        },
      ),
    );
  });
});
