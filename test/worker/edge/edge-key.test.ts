import { describe, expect, it } from "vitest";
import type { ReadSettings } from "../../../src/settings/read-settings.ts";
import { createEdgeKeys } from "../../../src/worker/edge/edge-key.ts";
import { errorOf, valueOf } from "../../../testkit/value-of.ts";
import { keyOf } from "../../../testkit/workerd/b2.ts";
import { NAR, NARINFO, READS } from "../../../testkit/workerd/edge.ts";

const KEYS = createEdgeKeys(READS);
const BASE = KEYS.urlOf(keyOf("cache-info", "nix-cache-info")).slice(0, -"/nix-cache-info".length);

describe("urlOf", () => {
  const { bucket } = READS;

  it("is as in the first 0.1, so that two versions share the edge during a deployment", () => {
    expect(KEYS.urlOf(keyOf("cache-info", "nix-cache-info"))).toBe(
      "https://edge.nargate.invalid/4a8ee72b7562055fa94c3a26acfad96f/nix-cache-info",
    );
  });

  it.each<{ what: string; config: ReadSettings }>([
    {
      what: "another endpoint",
      config: { ...READS, bucket: { ...bucket, endpoint: "https://x" } },
    },
    { what: "another bucket", config: { ...READS, bucket: { ...bucket, bucket: "other" } } },
    { what: "another prefix", config: { ...READS, bucket: { ...bucket, prefix: "nix/" } } },
    { what: "no prefix", config: { ...READS, bucket: { ...bucket, prefix: "" } } },
    { what: "another epoch", config: { ...READS, edgeEpoch: "1" } },
    {
      what: "parts that join to the same text",
      config: { ...READS, bucket: { ...bucket, bucket: "ai-dev-envnix", prefix: "/cache/" } },
    },
  ])("differs for $what, in its path", ({ config }) => {
    const other = createEdgeKeys(config);
    // Workers Cache leaves the host out of its keys.
    expect(new URL(other.urlOf(NAR)).pathname).not.toBe(new URL(KEYS.urlOf(NAR)).pathname);
  });

  it.each<{ what: string; config: ReadSettings }>([
    { what: "a rotated key", config: { ...READS, bucket: { ...bucket, keyId: "new" } } },
    { what: "another engine", config: { ...READS, edge: "workers-cache" } },
    { what: "another priority", config: { ...READS, priority: 1 } },
  ])("stays the same for $what", ({ config }) => {
    expect(createEdgeKeys(config).urlOf(NAR)).toBe(KEYS.urlOf(NAR));
  });

  it("is on a host that no zone can route, and shows nothing of the bucket", () => {
    const url = new URL(KEYS.urlOf(NARINFO));
    expect(url.hostname).toMatch(/\.invalid$/);
    expect(url.href).not.toMatch(/ai-dev-env|nix\/cache|backblaze/);
    expect(url.pathname).toMatch(new RegExp(`^/[0-9a-f]{32}/${NARINFO.path}$`));
  });
});

describe("parse", () => {
  it.each([
    { kind: "narinfo" as const, path: NARINFO.path },
    { kind: "nar" as const, path: NAR.path },
    { kind: "nar" as const, path: "nar/a+b/old.nar.xz" },
    { kind: "log" as const, path: "log/w9yy7v61ipb5rx6i35zq1mvc2iqfmps1-gtk+3-hm_..zlogout.drv" },
    { kind: "realisation" as const, path: `realisations/sha256:${"0a".repeat(32)}!out.doi` },
    { kind: "cache-info" as const, path: "nix-cache-info" },
  ])("gives back the key of $path", ({ kind, path }) => {
    const key = keyOf(kind, path);
    const url = KEYS.urlOf(key);
    expect(valueOf(KEYS.parse(url))).toEqual(key);
    // The inner request's URL goes through the URL parser on its way.
    expect(valueOf(KEYS.parse(new Request(url).url))).toEqual(key);
  });

  it.each([
    { what: "a query", url: `${KEYS.urlOf(NAR)}?x=1` },
    { what: "a fragment", url: `${KEYS.urlOf(NAR)}#x` },
    { what: "another host", url: KEYS.urlOf(NAR).replace("edge.", "evil.") },
    { what: "plain HTTP", url: KEYS.urlOf(NAR).replace("https:", "http:") },
    {
      what: "the digest of another bucket",
      url: KEYS.urlOf(NAR).replace(/[0-9a-f]{32}/, "0".repeat(32)),
    },
    { what: "no digest", url: `https://edge.nargate.invalid/${NAR.path}` },
    { what: "a digest that goes on", url: `${BASE}0/${NAR.path}` },
    { what: "the digest alone", url: BASE },
    { what: "the digest and a slash", url: `${BASE}/` },
    { what: "a step upwards", url: `${BASE}/nar/../../secret` },
    { what: "an encoded step upwards", url: `${BASE}/nar/%2e%2e/secret` },
    { what: "an encoded slash", url: `${BASE}/nar%2Fx.nar` },
    { what: "no name of a cache", url: `${BASE}/index.html` },
    { what: "a user in the host", url: KEYS.urlOf(NAR).replace("edge.", "user@edge.") },
    { what: "nothing", url: "" },
  ])("refuses $what", ({ url }) => {
    expect(errorOf(KEYS.parse(url))).not.toContain("/");
  });
});
