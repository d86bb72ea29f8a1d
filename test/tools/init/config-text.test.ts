import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { valueOf } from "../../../testkit/value-of.ts";
import { changeConfig, parseConfig } from "../../../tools/init/config-text.ts";

const CONFIG = await readFile(new URL("../../../wrangler.toml", import.meta.url), "utf8");

describe("parseConfig", () => {
  it("leaves placeholders out", () => {
    const { name, vars, hosts } = valueOf(parseConfig(CONFIG));
    expect(name).toBe("nargate");
    expect(vars["B2_BUCKET"]).toBeUndefined();
    expect(vars["PRIORITY"]).toBe("41");
    expect(hosts).toEqual([]);
  });

  it.each([
    { what: "text that is no TOML", text: "name = ", error: "is not TOML" },
    { what: "a config without a name", text: 'main = "x"', error: "has no valid name" },
    { what: "a name that leads elsewhere", text: 'name = "../x"', error: "has no valid name" },
  ])("refuses $what", ({ text, error }) => {
    expect(parseConfig(text)).toEqual({ ok: false, error: expect.stringContaining(error) });
  });
});

function change(text: string, vars: Record<string, string>, host?: string) {
  return changeConfig(text, { vars, host });
}

describe("changeConfig", () => {
  it("changes the lines of the settings alone", () => {
    const changed = valueOf(change(CONFIG, { B2_BUCKET: "team", PUBLIC_KEYS: 'a-1:x="y"' }));
    const before = CONFIG.split("\n");
    const different = changed.split("\n").filter((line, index) => line !== before[index]);
    expect(different).toHaveLength(2);
    expect(different[0]).toBe('B2_BUCKET = "team"');
    expect(valueOf(parseConfig(changed)).vars["PUBLIC_KEYS"]).toBe('a-1:x="y"');
  });

  it("adds a setting to [vars] that is not there", () => {
    const changed = valueOf(change(CONFIG, { HOSTS: "a b" }));
    expect(valueOf(parseConfig(changed)).vars["HOSTS"]).toBe("a b");
    expect(changed.split("\n").filter((line) => line.startsWith("#"))).toEqual(
      CONFIG.split("\n").filter((line) => line.startsWith("#")),
    );
  });

  it("adds a domain name once, before the tables", () => {
    const once = valueOf(change(CONFIG, {}, "cache.example.org"));
    expect(once).toContain(
      'workers_dev = true\nroutes = [{ pattern = "cache.example.org", custom_domain = true }]\n\n[vars]',
    );
    expect(valueOf(change(once, {}, "cache.example.org"))).toBe(once);
  });

  it("adds a domain name to a config without tables and without a last line end", () => {
    const changed = valueOf(change('name = "x"', { A: "b" }, "cache.example.org"));
    expect(valueOf(parseConfig(changed))).toEqual({
      name: "x",
      vars: { A: "b" },
      hosts: ["cache.example.org"],
    });
  });

  it.each(['routes = ["other.org/*"]', 'route = "other.org/*"'])(
    "leaves %s to its owner",
    (line) => {
      expect(change(`name = "x"\n${line}\n`, {}, "cache.example.org")).toEqual({
        ok: false,
        error: expect.stringContaining("has other routes already"),
      });
    },
  );

  it("finds a domain name in a route with a path", () => {
    const text = 'name = "x"\nroutes = ["cache.example.org/*", { pattern = "b.org" }]\n';
    expect(valueOf(parseConfig(text)).hosts).toEqual(["cache.example.org", "b.org"]);
    expect(valueOf(change(text, {}, "b.org"))).toContain(text);
  });
});
