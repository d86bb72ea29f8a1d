import { describe, expect, it } from "vitest";
import {
  formatPublicKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
} from "../../../../src/nix/signature.ts";
import { PREFIX, startGateway } from "../../../../testkit/workerd/gateway.ts";
import { HASH, OTHER_HASH, startFilledGateway } from "../../../../testkit/workerd/prepared.ts";
import { makeStorePath } from "../../../../testkit/store-path.ts";

const MIB = 1024 * 1024;

function publicKeyText(secretKey: string): string {
  const key = parseSecretKey(secretKey);
  if (!key.ok) throw new Error(key.error);
  return formatPublicKey(publicKeyOf(key.value));
}

const drop = (field: string) => (text: string) =>
  text.replace(new RegExp(`^${field}: .*\n`, "m"), "");
const set = (field: string, value: string) => (text: string) =>
  text.replace(new RegExp(`^${field}: .*`, "m"), `${field}: ${value}`);

describe("PUT of a narinfo", () => {
  it.each([
    { what: "no StorePath", edit: drop("StorePath"), says: "malformed" },
    { what: "no final newline", edit: (text: string) => text.slice(0, -1), says: "malformed" },
    { what: "CRLF", edit: (text: string) => text.replaceAll("\n", "\r\n"), says: "malformed" },
    {
      what: "another path",
      edit: set("StorePath", `/nix/store/${OTHER_HASH}-x`),
      says: "does not belong to the name",
    },
    { what: "another store", edit: set("StorePath", `/gnu/store/${HASH}-x`), says: "malformed" },
    {
      what: "an absolute URL",
      edit: set("URL", "https://evil.example/x.nar"),
      says: "URL must be",
    },
    { what: "a URL outside nar/", edit: set("URL", `log/${HASH}-x`), says: "URL must be" },
    {
      what: "a URL with a query",
      edit: set("URL", `nar/${"0".repeat(52)}.nar?x`),
      says: "URL must be",
    },
    {
      what: "a URL of another hash",
      edit: set("URL", `nar/${"0".repeat(52)}.nar`),
      says: "is not its FileHash",
    },
    { what: "no FileHash", edit: drop("FileHash"), says: "has no FileHash" },
    { what: "no FileSize", edit: drop("FileSize"), says: "has no FileHash or no FileSize" },
    {
      what: "a compression that does not fit",
      edit: set("Compression", "xz"),
      says: "does not fit",
    },
    { what: "no Compression, which means bzip2", edit: drop("Compression"), says: "does not fit" },
    {
      what: "an uncompressed NAR of two hashes",
      edit: set("NarHash", `sha256:${"0".repeat(52)}`),
      says: "must equal NarHash",
    },
    {
      what: "an uncompressed NAR of two sizes",
      edit: set("NarSize", "5"),
      says: "must equal NarSize",
    },
    {
      what: "a signature of 3 bytes",
      edit: (text: string) => `${text}Sig: k:AAAA\n`,
      says: "Sig line",
    },
  ])("refuses $what with a reason", async ({ edit, says }) => {
    const { bucket, push, path } = await startFilledGateway();
    // The NAR is there and the path is new: signatures for a published path are held to less.
    await bucket.reset();
    await bucket.putObject(PREFIX + path.narPath.slice(1), path.nar);
    const text = edit(path.narinfo);
    expect(text).not.toBe(path.narinfo);
    const before = await bucket.listKeys();
    const response = await push(path.narinfoPath, text);
    expect(response.status).toBe(400);
    const line = await response.text();
    expect(line).toContain(says);
    expect(line.trimEnd()).not.toContain("\n");
    expect(await bucket.listKeys()).toEqual(before);
  });

  it("takes Content-Encoding: none, which Nix 2.33 sends, for no encoding", async () => {
    const { push } = await startGateway();
    const path = await makeStorePath(HASH);
    const none = { "content-encoding": "none" };
    expect((await push(path.narPath, path.nar, none)).status).toBe(200);
    expect((await push(path.narinfoPath, path.narinfo, none)).status).toBe(200);
  });

  it("refuses one whose NAR is not there, and names it", async () => {
    const { push } = await startGateway();
    const path = await makeStorePath(HASH);
    const response = await push(path.narinfoPath, path.narinfo);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(path.narPath.slice(1));
  });

  it("refuses one whose NAR has another size", async () => {
    const { bucket, push } = await startGateway();
    const path = await makeStorePath(HASH);
    await bucket.putObject(PREFIX + path.narPath.slice(1), "short");
    const response = await push(path.narinfoPath, path.narinfo);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("FileSize is not the size");
  });

  it("refuses more than a narinfo can be", async () => {
    const { push } = await startGateway();
    const response = await push(`/${HASH}.narinfo`, "x".repeat(2 * MIB + 1));
    expect(response.status).toBe(413);
  });

  it("takes the same one again, and writes nothing", async () => {
    const { bucket, path, push } = await startFilledGateway();
    await bucket.clearRequests();
    expect((await push(path.narinfoPath, path.narinfo)).status).toBe(200);
    expect(await bucket.countRequests({ method: "PUT" })).toBe(0);
  });

  it("adds a signature to a published path and keeps all the rest", async () => {
    const { bucket, path, push } = await startFilledGateway();
    const signed = `${path.narinfo}Sig: later-1:${btoa("x".repeat(64))}\n`;
    expect((await push(path.narinfoPath, signed)).status).toBe(200);
    const other = path.narinfo.replace("References: ", "References: \nDeriver: unknown-deriver");
    expect((await push(path.narinfoPath, other)).status).toBe(200);
    expect((await bucket.getObject(PREFIX + path.narinfoPath.slice(1)))?.text).toBe(signed);
  });

  it.each([
    { policy: "keep", status: 200 },
    { policy: "refuse", status: 409 },
  ])(
    "keeps the first of two builds when ON_CONFLICT is $policy, and answers $status",
    async ({ policy, status }) => {
      const { bucket, log, path, push } = await startFilledGateway({ ON_CONFLICT: policy });
      const second = await makeStorePath(HASH, { seed: 2 });
      await push(second.narPath, second.nar);
      const response = await push(second.narinfoPath, second.narinfo);
      expect(response.status).toBe(status);
      expect((await bucket.getObject(PREFIX + path.narinfoPath.slice(1)))?.text).toBe(path.narinfo);
      expect(log).toContainEqual(
        expect.objectContaining({ code: "narinfo-conflict", by: "tests" }),
      );
      expect((await response.text()).includes("not reproducible")).toBe(status === 409);
    },
  );

  it("is signed by the gateway's own key where there is one", async () => {
    const secretKey = await generateSecretKey("gateway-1");
    const { bucket, push, request } = await startGateway({ SIGNING_KEY: secretKey });
    const path = await makeStorePath(HASH);
    await push(path.narPath, path.nar);
    await push(path.narinfoPath, path.narinfo);
    const expected = (await makeStorePath(HASH, { signWith: [secretKey] })).narinfo;
    expect(await (await request(path.narinfoPath)).text()).toBe(expected);
    await bucket.clearRequests();
    await push(path.narinfoPath, path.narinfo);
    expect(await bucket.countRequests({ method: "PUT" })).toBe(0);
  });

  it("needs a signature of a trusted key where those are set", async () => {
    const secretKey = await generateSecretKey("team-1");
    const impostor = await generateSecretKey("team-1");
    const { push } = await startGateway({ TRUSTED_PUBLIC_KEYS: publicKeyText(secretKey) });
    const unsigned = await makeStorePath(HASH);
    await push(unsigned.narPath, unsigned.nar);
    const refused = await push(unsigned.narinfoPath, unsigned.narinfo);
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("nix store sign");
    const forged = await makeStorePath(HASH, { signWith: [impostor] });
    expect((await push(forged.narinfoPath, forged.narinfo)).status).toBe(400);
    const signed = await makeStorePath(HASH, { signWith: [secretKey] });
    expect((await push(signed.narinfoPath, signed.narinfo)).status).toBe(200);
  });
});
