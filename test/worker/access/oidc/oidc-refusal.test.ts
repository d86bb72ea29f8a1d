import { describe, expect, it } from "vitest";
import { type Claims, githubTrust } from "../../../../testkit/fake-issuer.ts";
import {
  AUDIENCE,
  GOOD_CLAIMS,
  ISSUER,
  startVerifier,
} from "../../../../testkit/workerd/oidc-verifier.ts";

/** Seconds since 1970, from now. */
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

const timeOf = (seconds: number) => new Date(seconds * 1000).toISOString().replace(".000", "");

const HAS = "401 This cache does not accept an OIDC token that has";
const CANNOT_BE_READ = "401 This OIDC token cannot be read:";
const EXPIRED =
  "401 This OIDC token has expired. Ask the issuer for a new one. This token ended at";
const AUDIENCE_LINE =
  "401 This OIDC token is for another audience. Ask the issuer for a token with the audience https://cache.example.org";
const UNTRUSTED = "401 This cache trusts no OIDC token of the issuer";

describe("an OIDC token is refused in one line that says why, if", () => {
  const past = inSeconds(-120);
  const future = inSeconds(120);

  it.each<{ what: string; change: Claims; line: string }>([
    {
      what: "it comes from pull_request_target",
      change: { event_name: "pull_request_target" },
      line: `${HAS} event_name (pull_request_target).`,
    },
    {
      what: "its repository has the same name and another id",
      change: { repository_id: "75" },
      line: `${HAS} repository_id (75).`,
    },
    { what: "it has expired", change: { exp: past }, line: `${EXPIRED} ${timeOf(past)}.` },
    {
      what: "it is not valid yet",
      change: { nbf: future },
      line: `401 This OIDC token is not valid yet. Try again later. It becomes valid at ${timeOf(future)}.`,
    },
    {
      what: "it has no exp",
      change: { exp: undefined },
      line: `${CANNOT_BE_READ} exp is missing.`,
    },
    {
      what: "its exp is text",
      change: { exp: String(inSeconds(300)) },
      line: `${CANNOT_BE_READ} exp is invalid.`,
    },
    {
      what: "its nbf is text",
      change: { nbf: "0" },
      line: `${CANNOT_BE_READ} nbf is invalid.`,
    },
    {
      what: "it has GitHub's audience",
      change: { aud: "https://github.com/octo-org" },
      line: `${AUDIENCE_LINE} (this token has https://github.com/octo-org).`,
    },
    {
      what: "it has no audience",
      change: { aud: undefined },
      line: `${AUDIENCE_LINE} (this token has none).`,
    },
    {
      what: "its audience has a slash more",
      change: { aud: `${AUDIENCE}/` },
      line: `${AUDIENCE_LINE} (this token has https://cache.example.org/).`,
    },
    {
      what: "its audiences are others",
      change: { aud: ["a", "b"] },
      line: `${AUDIENCE_LINE} (this token has ["a","b"]).`,
    },
    {
      what: "its audience begins as ours",
      change: { aud: `${AUDIENCE}.evil.example` },
      line: `${AUDIENCE_LINE} (this token has https://cache.example.org.evil.example).`,
    },
    {
      what: "its issuer has a slash more",
      change: { iss: `${ISSUER}/` },
      line: `${UNTRUSTED} https://issuer.example.org/.`,
    },
    {
      what: "its issuer is another",
      change: { iss: "https://evil.example" },
      line: `${UNTRUSTED} https://evil.example.`,
    },
    { what: "it has no issuer", change: { iss: undefined }, line: `${UNTRUSTED} none.` },
    {
      what: "its issuer is a list with ours",
      change: { iss: [ISSUER] },
      line: `${UNTRUSTED} ["https://issuer.example.org"].`,
    },
    {
      what: "a claim is absent",
      change: { repository_id: undefined },
      line: `${HAS} repository_id (absent).`,
    },
    {
      what: "several claims are wrong",
      change: { repository_id: "7", ref: "refs/tags/v1", event_name: undefined },
      line: `${HAS} repository_id (7), event_name (absent), ref (refs/tags/v1).`,
    },
    {
      what: "a claim is a list with the right value",
      change: { repository_id: ["74"] },
      line: `${HAS} repository_id (not text).`,
    },
    {
      what: "a claim is null",
      change: { event_name: null },
      line: `${HAS} event_name (not text).`,
    },
    {
      what: "an id is longer",
      change: { repository_id: "740" },
      line: `${HAS} repository_id (740).`,
    },
    {
      what: "an id is padded",
      change: { repository_id: " 74" },
      line: `${HAS} repository_id ( 74).`,
    },
    {
      what: "an id is a number that is not whole",
      change: { repository_id: 74.5 },
      line: `${HAS} repository_id (not text).`,
    },
    {
      what: "an event is written otherwise",
      change: { event_name: "Push" },
      line: `${HAS} event_name (Push).`,
    },
    {
      what: "a branch only begins as the right one",
      change: { ref: "refs/heads/main/../x" },
      line: `${HAS} ref (refs/heads/main/../x).`,
    },
    {
      what: "a branch only ends as the right one",
      change: { ref: "x/refs/heads/main" },
      line: `${HAS} ref (x/refs/heads/main).`,
    },
    {
      what: "a claim is made to break the line",
      change: { ref: `main\r\nX: y \u{1f4a9}${"z".repeat(500)}` },
      line: `${HAS} ref (main??X: y ??${"z".repeat(67)}...).`,
    },
  ])("$what", async ({ change, line }) => {
    const { issuer, lineFor } = await startVerifier();
    expect(await lineFor(await issuer.sign({ ...GOOD_CLAIMS, ...change }))).toBe(line);
  });

  it("its branch has a slash that a pattern's * would have to cross", async () => {
    const entry = githubTrust(ISSUER, AUDIENCE);
    const claims = { ...entry.claims, ref: "refs/heads/release-*" };
    const { issuer, lineFor } = await startVerifier({ trust: [{ ...entry, claims }] });
    const near = await issuer.sign({ ...GOOD_CLAIMS, ref: "refs/heads/release-1/x" });
    expect(await lineFor(near)).toBe(`${HAS} ref (refs/heads/release-1/x).`);
    const right = await issuer.sign({ ...GOOD_CLAIMS, ref: "refs/heads/release-1" });
    expect(await lineFor(right)).toBe("admitted: push");
  });

  it("its issuer is configured with a slash, and it has none", async () => {
    const trust = [githubTrust(`${ISSUER}/`, AUDIENCE)];
    const { issuer, lineFor } = await startVerifier({ trust });
    expect(await lineFor(await issuer.sign(GOOD_CLAIMS))).toBe(
      `${UNTRUSTED} https://issuer.example.org.`,
    );
    expect(issuer.requests).toEqual([]);
  });

  it("the issuer gives no keys", async () => {
    const { issuer, lineFor } = await startVerifier();
    issuer.goDown();
    expect(await lineFor(await issuer.sign(GOOD_CLAIMS))).toBe(
      "503 The token cannot be checked, because the issuer of this OIDC token does not publish its keys right now. Try again shortly.",
    );
  });
});
