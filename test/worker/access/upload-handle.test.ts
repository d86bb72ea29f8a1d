import { describe, expect, it } from "vitest";
import {
  formatUploadHandle,
  HANDLE_SECONDS,
  parseUploadHandle,
  type UploadClaim,
} from "../../../src/worker/access/upload-handle.ts";

const SECRET = "K005application/key";
const NOW = new Date("2026-10-01T12:00:00Z");
const EXPIRES = new Date(NOW.getTime() + HANDLE_SECONDS * 1000);

const CLAIM: UploadClaim = {
  nar: "nar/05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56.nar.zst",
  incoming: ".incoming/05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56.nar.zst/0f/1e",
  sizeBytes: 1_610_612_736,
  uploadId: "4_z27c88f1d182b150646ff0b16_f200ec353a2184825_d20260101_m004538_c000",
  tokenName: "ci",
  expires: EXPIRES,
};

/** The handle of `CLAIM` with some of what it says replaced, and the signature it had. */
async function tamper(change: Partial<Record<keyof UploadClaim, unknown>>): Promise<string> {
  const [, signature] = (await formatUploadHandle(CLAIM, SECRET)).split(".");
  const payload = new TextEncoder().encode(JSON.stringify({ ...CLAIM, ...change }));
  return `${payload.toBase64({ alphabet: "base64url", omitPadding: true })}.${signature}`;
}

/**
 * The handle of `CLAIM` and `SECRET` as the first 0.1 made it. During a deployment, one
 * version finishes the uploads that the other one began.
 */
const FORMER_HANDLE =
  "eyJuYXIiOiJuYXIvMDVyYTN5NzJpM3Fqcmk3eHNrZjlxajhrYjI5cjZuYXF5MXNxcGJzM2F6aTN4Y2lnbWo1Ni5uYXIuenN0IiwiaW5jb21pbmciOiIuaW5jb21pbmcvMDVyYTN5NzJpM3Fqcmk3eHNrZjlxajhrYjI5cjZuYXF5MXNxcGJzM2F6aTN4Y2lnbWo1Ni5uYXIuenN0LzBmLzFlIiwic2l6ZUJ5dGVzIjoxNjEwNjEyNzM2LCJ1cGxvYWRJZCI6IjRfejI3Yzg4ZjFkMTgyYjE1MDY0NmZmMGIxNl9mMjAwZWMzNTNhMjE4NDgyNV9kMjAyNjAxMDFfbTAwNDUzOF9jMDAwIiwidG9rZW5OYW1lIjoiY2kiLCJleHBpcmVzIjoiMjAyNi0xMC0wMlQxMjowMDowMC4wMDBaIn0.h7NQ_gsmY37K5eJVGQgFDukfT0s0vx-vCeE32szm_jQ";

describe("parseUploadHandle", () => {
  it("reads a handle of the first 0.1, and writes one that it reads", async () => {
    expect(await parseUploadHandle(FORMER_HANDLE, SECRET, NOW)).toEqual({ ok: true, value: CLAIM });
    expect(await formatUploadHandle(CLAIM, SECRET)).toBe(FORMER_HANDLE);
  });

  it.each<{ what: string; claim: UploadClaim }>([
    { what: "an upload", claim: CLAIM },
    { what: "one whose id nobody knows any more", claim: { ...CLAIM, uploadId: undefined } },
    { what: "the longest names", claim: { ...CLAIM, uploadId: "u".repeat(400) } },
  ])("gives back what was said of $what", async ({ claim }) => {
    const handle = await formatUploadHandle(claim, SECRET);
    expect(handle).toMatch(/^[\w.-]+$/);
    expect(await parseUploadHandle(handle, SECRET, NOW)).toEqual({ ok: true, value: claim });
  });

  it.each<{ what: string; change: Partial<Record<keyof UploadClaim, unknown>> }>([
    { what: "another NAR", change: { nar: CLAIM.nar.replace("05ra", "15ra") } },
    { what: "another name in the bucket", change: { incoming: "nix-cache-info" } },
    { what: "another size", change: { sizeBytes: CLAIM.sizeBytes + 1 } },
    { what: "another upload", change: { uploadId: "4_z1" } },
    { what: "no upload", change: { uploadId: undefined } },
    { what: "another token", change: { tokenName: "root" } },
    { what: "a later end", change: { expires: new Date(EXPIRES.getTime() + 1) } },
  ])("refuses one that says $what than was signed", async ({ change }) => {
    expect(await parseUploadHandle(await tamper(change), SECRET, NOW)).toEqual({
      ok: false,
      error: "was not signed by this gateway",
    });
  });

  it("takes the same words again, so that the refusals above are for what they change", async () => {
    expect((await parseUploadHandle(await tamper({}), SECRET, NOW)).ok).toBe(true);
  });

  it("refuses one that was signed with another secret", async () => {
    const handle = await formatUploadHandle(CLAIM, "K005another");
    expect((await parseUploadHandle(handle, SECRET, NOW)).ok).toBe(false);
  });

  it.each([
    { what: "works until its last millisecond", at: EXPIRES.getTime() - 1, isOk: true },
    { what: "has expired at its end", at: EXPIRES.getTime(), isOk: false },
  ])("$what", async ({ at, isOk }) => {
    const handle = await formatUploadHandle(CLAIM, SECRET);
    expect((await parseUploadHandle(handle, SECRET, new Date(at))).ok).toBe(isOk);
  });

  it.each([
    { what: "nothing", handle: "" },
    { what: "a payload alone", handle: "eyJhIjoxfQ" },
    { what: "an empty payload", handle: `.${"a".repeat(43)}` },
    { what: "a short signature", handle: "eyJhIjoxfQ.abc" },
    { what: "three pieces", handle: `eyJhIjoxfQ.eyJhIjoxfQ.${"a".repeat(43)}` },
    { what: "what is not base64url", handle: `a+b/.${"a".repeat(43)}` },
    { what: "half a byte", handle: `eyJhI.${"a".repeat(43)}` },
    { what: "far too much", handle: `${"a".repeat(5000)}.${"a".repeat(43)}` },
  ])("refuses $what", async ({ handle }) => {
    expect((await parseUploadHandle(handle, SECRET, NOW)).ok).toBe(false);
  });
});
