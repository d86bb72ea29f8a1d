import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parseOidcTrust } from "../../src/settings/oidc/parse-oidc-trust.ts";

const read = async (file: string) =>
  await readFile(new URL(`../../${file}`, import.meta.url), "utf8");

describe("the documented values of OIDC_TRUST", () => {
  it("are accepted, for GitHub and for GitLab", async () => {
    const [, section = ""] = (await read("docs/configuration.md")).split("\n## OIDC_TRUST\n");
    const examples = [...section.matchAll(/```json\n([^`]*)```/g)].map(([, json = ""]) =>
      parseOidcTrust(json),
    );
    expect(examples).toMatchObject([
      { ok: true, value: [{ issuer: "https://token.actions.githubusercontent.com" }] },
      { ok: true, value: [{ issuer: "https://gitlab.com" }] },
    ]);
  });

  it("are accepted as wrangler.toml has them behind comment marks", async () => {
    const [, commented = ""] =
      /^# OIDC_TRUST = '''\n((?:# .*\n)*?)# '''$/m.exec(await read("wrangler.toml")) ?? [];
    expect(parseOidcTrust(commented.replace(/^# /gm, ""))).toMatchObject({ ok: true });
  });
});
