import { describe, expect, it } from "vitest";
import { formatNginxConfig } from "../../bench/subjects/nginx-config.ts";

const SETTINGS = {
  port: 1234,
  root: "/tmp/a b/root",
  state: "/tmp/a b/state",
  runsAsRoot: false,
  takesUploads: false,
};

describe("formatNginxConfig", () => {
  it("serves a directory on a port of loopback", () => {
    const config = formatNginxConfig(SETTINGS);
    expect(config).toContain("listen 127.0.0.1:1234;");
    expect(config).toContain('root "/tmp/a b/root";');
  });

  it("quotes every path", () => {
    const bare = formatNginxConfig(SETTINGS).replaceAll(/"[^"]*"/g, "");
    expect(bare).not.toContain("/tmp");
  });

  it("takes uploads only with the module for them", () => {
    expect(formatNginxConfig(SETTINGS)).not.toContain("dav_methods");
    expect(formatNginxConfig({ ...SETTINGS, takesUploads: true })).toContain("dav_methods PUT;");
  });
});
