import { describe, expect, it } from "vitest";
import { formatWorkerdConfig } from "../../bench/subjects/workerd-config.ts";

const WORKER = {
  module: "worker.js",
  compatibilityDate: "2026-10-01",
  bindings: { TOKENS: '[{"name":"a"}]' },
  port: 1234,
};

describe("formatWorkerdConfig", () => {
  it("serves the worker alone on a port of loopback", () => {
    const config = formatWorkerdConfig(WORKER);
    expect(config).toContain('address = "127.0.0.1:1234"');
    expect(config).toContain('esModule = embed "worker.js"');
    expect(config).not.toContain("cacheApiOutbound");
  });

  it("lets the worker reach the bucket, which is on loopback", () => {
    const config = formatWorkerdConfig(WORKER);
    expect(config).toContain('globalOutbound = "network"');
    expect(config).toContain('(name = "network", network = (allow = ["private", "local"]))');
  });

  it("quotes what a binding holds", () => {
    const binding = String.raw`(name = "TOKENS", text = "[{\"name\":\"a\"}]")`;
    expect(formatWorkerdConfig(WORKER)).toContain(binding);
  });

  it("puts the cache worker in the same process", () => {
    const cache = { module: "cache.js", keeps: false };
    const config = formatWorkerdConfig({ ...WORKER, cache });
    expect(config).toContain('cacheApiOutbound = "cache"');
    expect(config).toContain('esModule = embed "cache.js"');
    expect(config).toContain('(name = "KEEPS", text = "false")');
  });
});
